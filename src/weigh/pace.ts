import type { Settings } from './types/result.ts';
import type { Pace } from './types/workload.ts';

type Effort = Settings['effort'];

/** How long a trial may take, by the effort; an interval that is narrow sooner ends it. */
export function pace(effort: Effort, seconds: Partial<Record<Effort, number>>): Pace {
  const byEffort: Record<Effort, Omit<Pace, 'budget'>> = {
    quick: { warmup: 3, least: 10, most: 100, precision: 0.05, rest: 2 },
    normal: { warmup: 5, least: 20, most: 300, precision: 0.02, rest: 2 },
    full: { warmup: 10, least: 50, most: 1000, precision: 0.01, rest: 2 },
  };
  return { ...byEffort[effort], budget: seconds[effort] ?? 60 };
}
