/** The order of rounds, and what becomes of those who fail: with peers that take no time. */
import { describe, expect, test, vi } from 'vitest';
import { randomFrom } from '../../../../src/weigh/random.ts';
import { type Contender, type Outcome, takeRounds } from '../../../../src/weigh/runner/rounds.ts';
import type { Job, Peer, Run } from '../../../../src/weigh/types/backend.ts';
import type { Pace, Trial } from '../../../../src/weigh/types/workload.ts';

const job: Job = { root: '/', payload: ['true'], network: 'own' };
const run = (ns: number): Run => ({ requested: 0n, exited: BigInt(ns), gone: BigInt(ns), output: '' });

interface Script {
  readonly name: string;
  /** ns of the sample that is asked for as the nth, warm-up included. */
  readonly sample?: (nth: number) => number;
  readonly open?: () => void;
  readonly refuses?: () => string;
}

const samplesOf = async (
  scripts: readonly Script[],
  pace: Partial<Pace> = {},
  more: { trial?: Partial<Trial>; abortAfter?: number } = {},
): Promise<{ outcomes: ReadonlyMap<string, Outcome>; log: string[]; closed: string[]; kept: number }> => {
  const log: string[] = [];
  const closed: string[] = [];
  const controller = new AbortController();
  let kept = 0;
  const contenders = scripts.map(({ name, sample = () => 1e6, open, refuses }): Contender => {
    let nth = 0;
    const peer: Peer = {
      run: async () => {
        log.push(name);
        nth += 1;
        return [run(sample(nth))];
      },
      [Symbol.asyncDispose]: async () => void closed.push(name),
    };
    return {
      name,
      ...(refuses === undefined ? {} : { refuses }),
      open: async () => {
        open?.();
        return peer;
      },
    };
  });
  const trial: Trial = {
    name: 'warm',
    title: 'warm',
    pace: { warmup: 0, least: 6, most: 6, budget: 60, precision: 0.01, rest: 0, ...pace },
    job: () => job,
    sample: async (peer) => ({ gone: Number((await peer.run(1))[0]?.gone ?? 0n) / 1e6 }),
    ...more.trial,
  };
  const outcomes = await takeRounds(trial, { ...job, program: undefined, tools: undefined }, contenders, {
    random: randomFrom(1),
    signal: controller.signal,
    keep: () => {
      kept += 1;
      if (kept === more.abortAfter) controller.abort(new Error('enough'));
    },
    progress: () => undefined,
  });
  return { outcomes, log, closed, kept };
};

describe('rounds', () => {
  test('ask everybody once each, in ever new orders', async () => {
    const { log } = await samplesOf([{ name: 'a' }, { name: 'b' }, { name: 'c' }], { most: 20, least: 20 });
    const rounds = Array.from({ length: 20 }, (_, round) => log.slice(round * 3, round * 3 + 3));
    for (const round of rounds) expect(round.toSorted()).toEqual(['a', 'b', 'c']);
    expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(3);
  });

  test('throw the warm-up away', async () => {
    const { outcomes, log, kept } = await samplesOf([{ name: 'a' }], { warmup: 3 });
    expect(log).toHaveLength(9);
    expect(kept).toBe(6);
    expect(outcomes.get('a')?.rounds).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('end as soon as every interval is narrow, and not before', async () => {
    const noisy = randomFrom(2);
    const steady = await samplesOf([{ name: 'a' }], { most: 100 });
    expect(steady.outcomes.get('a')?.rounds).toHaveLength(6);
    const both = await samplesOf([{ name: 'a' }, { name: 'b', sample: () => Math.round(1e6 * (1 + noisy())) }], {
      most: 100,
    });
    expect(both.outcomes.get('a')?.rounds).toHaveLength(100);
  });

  test('ask who takes far longer less often, and often enough', async () => {
    const slow = () => {
      const end = performance.now() + 20;
      while (performance.now() < end) continue;
      return 20e6;
    };
    const scripts = [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'slow', sample: slow }];
    const { outcomes } = await samplesOf(scripts, { least: 6, most: 30, precision: -1 });
    expect(outcomes.get('a')?.rounds).toHaveLength(30);
    expect(outcomes.get('slow')?.rounds).toEqual([0, 5, 10, 15, 20, 25]);
  });

  test('do not ask who refuses the job, and call that no failure', async () => {
    const { outcomes, log } = await samplesOf([{ name: 'a', refuses: () => 'no network' }, { name: 'b' }]);
    expect(outcomes.get('a')).toEqual({ rounds: [], rows: [], refusal: 'no network' });
    expect(log).not.toContain('a');
  });

  test('end when the budget is spent, but never without a sample', async () => {
    const { outcomes } = await samplesOf([{ name: 'a' }], { most: 100, budget: 0 });
    expect(outcomes.get('a')?.rounds).toEqual([0]);
  });

  test('end within a round, once each has been asked', async () => {
    let clock = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const sample = (): number => {
      clock += 10_000;
      return 1e6;
    };
    const scripts = ['a', 'b', 'c'].map((name) => ({ name, sample }));
    const { log } = await samplesOf(scripts, { most: 100, budget: 40 });
    now.mockRestore();
    expect(log).toHaveLength(4);
  });
});

describe('a backend that', () => {
  const dies = (nth: number): number => {
    if (nth === 3) throw new Error('no more');
    return 1e6;
  };

  test('dies half-way keeps its samples and its reason, and the others go on', async () => {
    const { outcomes, closed } = await samplesOf([{ name: 'a', sample: dies }, { name: 'b' }]);
    expect(outcomes.get('a')).toMatchObject({ rounds: [0, 1], failure: 'no more' });
    expect(outcomes.get('b')?.rounds).toHaveLength(6);
    expect(closed).toEqual(['a', 'b']);
  });

  test('cannot be opened leaves the others alone', async () => {
    const refuse = () => {
      throw new Error('no such runtime');
    };
    const { outcomes } = await samplesOf([{ name: 'a', open: refuse }, { name: 'b' }]);
    expect(outcomes.get('a')).toEqual({ rounds: [], rows: [], failure: 'no such runtime' });
    expect(outcomes.get('b')?.rounds).toHaveLength(6);
  });

  test('cannot be asked says why, and is not', async () => {
    const { outcomes, log } = await samplesOf([{ name: 'a' }], {}, { trial: { refuses: () => 'one step only' } });
    expect(outcomes.get('a')?.refusal).toBe('one step only');
    expect(log).toEqual([]);
  });
});

test('an interruption keeps what was measured, and is nobody’s failure', async () => {
  const { outcomes, closed } = await samplesOf(
    [{ name: 'a' }, { name: 'b' }],
    { most: 50, least: 50 },
    { abortAfter: 7 },
  );
  const counts = [...outcomes.values()].map(({ rounds }) => rounds.length);
  expect(counts.toSorted((a, b) => a - b)).toEqual([3, 4]);
  expect([...outcomes.values()].map(({ failure }) => failure)).toEqual([undefined, undefined]);
  expect(closed).toEqual(['a', 'b']);
});
