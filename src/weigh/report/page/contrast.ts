/** Who stands for a family, and how two backends compare, in words. */
import { randomFrom } from '../../random.ts';
import { compareApart } from '../../statistics.ts';
import type { Measure, QuestionName } from '../../types/question.ts';
import type { BackendEntry, Comparison, Family, QuestionEntry, Series, Summary, Weighing } from '../../types/result.ts';

export interface Standing {
  readonly backend: BackendEntry;
  readonly series: Series;
  readonly summary: Summary;
  readonly values: readonly number[];
}

export interface Field {
  readonly question: QuestionEntry;
  readonly measure: Measure;
  /** From the best to the worst. */
  readonly standings: readonly Standing[];
}

/** All that answered a question under its first variant, or the named one. */
export function fieldOf(weighing: Weighing, name: QuestionName, variant?: string): Field | undefined {
  const question = weighing.questions.find((one) => one.name === name);
  const [measure] = question?.measures ?? [];
  const asked = variant ?? question?.variants[0]?.name;
  if (question === undefined || measure === undefined) return undefined;
  const standings = question.series.flatMap((series): Standing[] => {
    const backend = weighing.backends.find((one) => one.name === series.backend);
    const [summary, values] = [series.summaries[measure.name], series.values[measure.name]];
    if (series.variant !== asked || backend === undefined || summary === undefined || values === undefined) return [];
    return [{ backend, series, summary, values }];
  });
  const sign = measure.better === 'lower' ? 1 : -1;
  return { question, measure, standings: standings.toSorted((a, b) => sign * (a.summary.median - b.summary.median)) };
}

export const bestOf = ({ standings }: Field, family: Family): Standing | undefined =>
  standings.find(({ backend }) => backend.family === family);

export const allOf = ({ standings }: Field, family: Family): readonly Standing[] =>
  standings.filter(({ backend }) => backend.family === family);

/** How many times as much the first has as the second: by the statistics of all comparisons, and the weighing's seed. */
export const contrast = (one: Standing, other: Standing, { settings }: Weighing): Comparison =>
  compareApart(one.values, other.values, randomFrom(settings.seed));

/** Why nothing of a family was measured: of each that was asked for, its reason; of this question first. */
export function absence({ backends }: Weighing, family: Family, question?: QuestionEntry): string {
  const here = (question?.missing ?? []).flatMap(({ backend: name, variant, reason }) => {
    const backend = backends.find((one) => one.name === name);
    const asked = variant === undefined || variant === question?.variants[0]?.name;
    return asked && backend?.family === family ? [`${backend.title}: ${reason}`] : [];
  });
  if (here.length > 0) return here.join('; ');
  const reasons = backends.flatMap(({ title, family: own, missing }) =>
    own === family && missing !== undefined
      ? [`${title}: ${missing.reason}${missing.cure === undefined ? '' : ` (${missing.cure})`}`]
      : [],
  );
  if (reasons.length > 0) return reasons.join('; ');
  const asked = backends.some((backend) => backend.family === family);
  return asked ? 'this weighing did not come to it' : 'none was asked for';
}
