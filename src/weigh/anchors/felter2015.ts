import type { Publication } from '../types/publication.ts';

/** Without numbers until somebody has the paper open: none is quoted from memory. */
export const felter2015: Publication = {
  name: 'felter2015',
  title: 'An Updated Performance Comparison of Virtual Machines and Linux Containers',
  by: 'Felter et al., ISPASS 2015 (IBM RC25482, 2014)',
  url: 'https://doi.org/10.1109/ISPASS.2015.7095802',
  machine: 'not looked up',
  checked:
    'Its Table I (PXZ, Linpack, Stream, RandomAccess) could not be opened where this list was made, so that none of it is shown.',
  anchors: [],
};
