/** The publications that a report shows beside its own numbers. */
import { felter2015 } from './anchors/felter2015.ts';
import { hotcloud19 } from './anchors/hotcloud19.ts';
import { nsdi20 } from './anchors/nsdi20.ts';
import { crunReadme, youkiReadme } from './anchors/runtimes.ts';
import { sosp17 } from './anchors/sosp17.ts';
import type { Publication } from './types/publication.ts';

export const publications: readonly Publication[] = [nsdi20, sosp17, crunReadme, youkiReadme, hotcloud19, felter2015];
