/** What of a weighing stands beside a published figure: the nearest measure of each backend of its kind. Pure. */
import type { Anchor } from '../types/publication.ts';
import type { Measure } from '../types/question.ts';
import type { BackendEntry, Family, QuestionEntry, Weighing } from '../types/result.ts';
import { medianOf } from '../statistics.ts';

export interface Ours {
  readonly backend: BackendEntry;
  /** In the anchor's unit. */
  readonly value: number;
}

export interface Beside {
  readonly measure: Measure;
  readonly ours: readonly Ours[];
}

/** Whether a service makes it or not, it is a container. */
const alike = (family: Family): readonly Family[] =>
  family === 'container' || family === 'daemon' ? ['container', 'daemon'] : [family];

/** Undefined where this weighing did not ask for it. */
export function besideOf(
  weighing: Weighing,
  { question: name, measure: key, family, unit, to }: Anchor,
): Beside | undefined {
  const question = weighing.questions.find((one) => one.name === name);
  const measure = question?.measures.find((one) => one.name === key);
  if (question === undefined || measure === undefined) return undefined;
  const medians = mediansOf(weighing, question, key);
  const bases = medians.filter(({ backend }) => to !== undefined && alike(to).includes(backend.family));
  const base = bases.length === 0 ? NaN : medianOf(bases.map(({ value }) => value));
  const ours = medians
    .filter(({ backend }) => alike(family).includes(backend.family))
    .map(({ backend, value }) => ({ backend, value: unit === 'times' ? value / base : value }))
    .filter(({ value }) => Number.isFinite(value));
  return { measure, ours };
}

/** Under the first variant that has the measure. */
function mediansOf({ backends }: Weighing, { variants, series }: QuestionEntry, measure: string): Ours[] {
  const own = series.filter(({ summaries }) => summaries[measure] !== undefined);
  const variant = variants.find(({ name }) => own.some((one) => one.variant === name));
  return backends.flatMap((backend) => {
    const value = own.find((one) => one.backend === backend.name && one.variant === variant?.name)?.summaries[measure];
    return value === undefined ? [] : [{ backend, value: value.median }];
  });
}
