/** Samples → what a result file says of them. */
import type { Random } from './random.ts';
import type { Outcome } from './runner/rounds.ts';
import { compareRounds, type Pair, summarize } from './statistics.ts';
import type { QuestionEntry, Series } from './types/result.ts';
import type { Trial, Workload } from './types/workload.ts';

/** What came of a trial, by contender. */
export interface Answered {
  readonly trial: Trial;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export function questionEntry(
  { question, asks, method, measures }: Workload,
  answered: readonly Answered[],
  reference: string,
  random: Random,
): QuestionEntry {
  const series = answered.flatMap(({ trial, outcomes }) => seriesOf(trial, outcomes, reference, random));
  const used = new Set(series.flatMap(({ values }) => Object.keys(values)));
  return {
    name: question,
    asks,
    method,
    measures: measures.filter(({ name }, index) => index === 0 || used.has(name)),
    variants: answered.map(({ trial: { name, title, at } }) => ({ name, title, ...(at === undefined ? {} : { at }) })),
    series,
    missing: answered.flatMap(({ trial, outcomes }) => missingOf(trial, outcomes)),
  };
}

function missingOf({ name }: Trial, outcomes: ReadonlyMap<string, Outcome>): QuestionEntry['missing'] {
  return [...outcomes].flatMap(([backend, { refusal, failure, rows }]) => {
    const reason = refusal ?? (rows.length === 0 ? (failure ?? 'not reached') : undefined);
    return reason === undefined ? [] : [{ backend, variant: name, reason }];
  });
}

function seriesOf(
  { name: variant }: Trial,
  outcomes: ReadonlyMap<string, Outcome>,
  reference: string,
  random: Random,
): Series[] {
  const base = outcomes.get(reference);
  return [...outcomes].flatMap(([backend, outcome]) => {
    const { rounds, rows, failure, through } = outcome;
    if (rows.length === 0) return [];
    const values = columnsOf(outcome);
    const measures = Object.keys(values);
    const summaries = measures.map((measure) => [measure, summarize(values[measure] ?? [], random)] as const);
    const comparisons = measures.flatMap((measure) => {
      const pairs = backend === reference || base === undefined ? [] : pairsOf(outcome, base, measure);
      // There is no ratio to nothing, nor of a difference that noise has turned around.
      if (pairs.length === 0 || !pairs.every(([one, other]) => one > 0 && other > 0)) return [];
      return [[measure, compareRounds(pairs, random)] as const];
    });
    return [
      {
        backend,
        variant,
        ...(failure === undefined ? {} : { failure }),
        ...(through === undefined ? {} : { through }),
        rounds,
        values,
        summaries: Object.fromEntries(summaries),
        comparisons: Object.fromEntries(comparisons),
      },
    ];
  });
}

/** Only of measures that every sample has: columns are as long as there are rounds. */
function columnsOf({ rows }: Outcome): Record<string, number[]> {
  const shared = Object.keys(rows[0] ?? {}).filter((measure) => rows.every((row) => Number.isFinite(row[measure])));
  return Object.fromEntries(shared.map((measure) => [measure, rows.map((row) => row[measure] ?? NaN)]));
}

function pairsOf(ours: Outcome, theirs: Outcome, measure: string): Pair[] {
  const others = new Map(theirs.rounds.map((round, index) => [round, theirs.rows[index]?.[measure]]));
  return ours.rounds.flatMap((round, index): Pair[] => {
    const [one, other] = [ours.rows[index]?.[measure], others.get(round)];
    return one === undefined || other === undefined ? [] : [[one, other]];
  });
}
