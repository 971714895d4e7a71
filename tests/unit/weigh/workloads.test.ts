import { expect, test } from 'vitest';
import { workloads } from '../../../src/weigh/workloads.ts';

const secondsOf = (effort: 'quick' | 'normal' | 'full', questions: readonly string[]): number =>
  workloads
    .filter(({ question }) => questions.includes(question))
    .flatMap((workload) => workload.trials({ effort, root: true, availableMemory: 8192 }))
    .reduce((sum, { pace }) => sum + pace.budget, 0);

const all = workloads.map(({ question }) => question);

/** A trial ends with the round in which its budget is spent, and backends have to be opened: a quarter is left for both. */
test('the full suite is planned to take 60 minutes, and what npm start asks three', () => {
  expect(secondsOf('full', all)).toBeLessThanOrEqual(45 * 60);
  expect(secondsOf('quick', ['start', 'memory'])).toBeLessThanOrEqual(0.75 * 180);
});

test('every variant of a question has a name of its own, and every measure', () => {
  for (const workload of workloads) {
    const { measures } = workload;
    const names = workload.trials({ effort: 'full', root: true, availableMemory: 8192 }).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(measures.map(({ name }) => name)).size).toBe(measures.length);
  }
});
