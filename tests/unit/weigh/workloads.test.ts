import { expect, test } from 'vitest';
import type { Peer } from '../../../src/weigh/types/backend.ts';
import { workloads } from '../../../src/weigh/workloads.ts';

const secondsOf = (effort: 'quick' | 'normal' | 'full', questions: readonly string[]): number =>
  workloads
    .filter(({ question }) => questions.includes(question))
    .flatMap((workload) => workload.trials({ effort, root: true, availableMemory: 8192 }))
    .reduce((sum, { pace }) => sum + pace.budget, 0);

const all = workloads.map(({ question }) => question);

/** A trial ends with the sample in which its budget is spent, but each is asked once, and has to be opened: a quarter is left for both. */
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

test('no crowd is started that may take more memory than there is', () => {
  const trials = workloads
    .find(({ question }) => question === 'rate')
    ?.trials({
      effort: 'full',
      root: true,
      availableMemory: 8192,
    });
  const peer = (memory?: number) => ({ memory }) as unknown as Peer;
  expect(trials?.flatMap((trial) => trial.refuses?.(peer()) ?? [])).toEqual([]);
  expect(trials?.at(-1)?.refuses?.(peer(2 ** 30))).toMatch(
    /^100 at once may take 104857600\.0 GiB of memory, and \d+\.\d GiB are available$/,
  );
});
