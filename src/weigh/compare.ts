/** Two result files, side by side. Pure. */
import { randomFrom } from './random.ts';
import { compareApart, medianOf } from './statistics.ts';
import type { Comparison, Weighing } from './types/result.ts';

/** A change that is smaller is one that the next start of the machine makes as well. */
const negligible = 0.05;

export interface Change extends Comparison {
  readonly question: string;
  readonly variant: string;
  readonly backend: string;
  readonly unit: string;
  /** Medians. */
  readonly before: number;
  readonly after: number;
  /** `unchanged`: no difference can be claimed, or one that is negligible. */
  readonly judgement: 'better' | 'worse' | 'unchanged';
}

/** By the measure that answers each question; of backends and variants that both files have. */
export function compareWeighings(before: Weighing, after: Weighing): Change[] {
  const random = randomFrom(after.settings.seed);
  return after.questions.flatMap((question) => {
    const [measure] = question.measures;
    const earlier = before.questions.find(({ name }) => name === question.name);
    if (measure === undefined || earlier === undefined) return [];
    return question.series.flatMap(({ backend, variant, values }) => {
      const old = earlier.series.find((one) => one.backend === backend && one.variant === variant);
      const [then, now] = [old?.values[measure.name], values[measure.name]];
      if (then === undefined || now === undefined || then.length === 0 || now.length === 0) return [];
      const comparison = compareApart(now, then, random);
      const judgement = judge(comparison, measure.better);
      const change = { question: question.name, variant, backend, unit: measure.unit };
      const medians = { before: medianOf(then), after: medianOf(now) };
      return [{ ...change, ...medians, ...comparison, judgement }];
    });
  });
}

/** All of the interval lies beyond what is negligible. */
function judge({ verdict, low, high }: Comparison, better: 'lower' | 'higher'): Change['judgement'] {
  const more = verdict === 'higher' && low > 1 + negligible;
  const less = verdict === 'lower' && high < 1 - negligible;
  if (!more && !less) return 'unchanged';
  return less === (better === 'lower') ? 'better' : 'worse';
}

/** What is not the same about the machines: numbers of different machines say little of the software. */
export function differences({ machine: one }: Weighing, { machine: other }: Weighing): string[] {
  const facts = (machine: typeof one): Record<string, string> => ({
    kernel: machine.kernel.release,
    CPU: `${machine.cpu.count} × ${machine.cpu.model}`,
    memory: `${Math.round(machine.memory.total / 1024)} GiB`,
    cgroups: machine.cgroups,
    Node: machine.node,
    environment: Object.keys(machine.environment ?? {}).join(', ') || 'plain',
  });
  const [before, after] = [facts(one), facts(other)];
  return Object.keys(before).flatMap((name) =>
    before[name] === after[name] ? [] : [`${name}: ${before[name] ?? ''}, now ${after[name] ?? ''}`],
  );
}
