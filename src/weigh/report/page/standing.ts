/** What can be said of how backends stand: whether samples suffice, and each by its number. */
import type { Field, Standing } from './contrast.ts';
import { readable } from './readable.ts';

/** Of fewer the rank-sum test finds none far enough apart: 5 beside 5, in any order. */
export const enough = 5;

export const tooFew = (few: number): string =>
  `of only ${few} ${few === 1 ? 'sample' : 'samples'}, too few for an interval`;

export const fewest = (...standings: readonly Standing[]): number =>
  Math.min(...standings.map(({ values }) => values.length));

/** All samples of the one are below all of the other. */
export const areApart = ({ summary: one }: Standing, { summary: other }: Standing): boolean =>
  one.max < other.min || other.max < one.min;

export const said = ({ measure }: Field, { backend, summary }: Standing): string =>
  `${readable(summary.median, measure.unit)} (${backend.title})`;
