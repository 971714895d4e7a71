/** What the measuring itself costs. It is in every number, the same for all, and reported; nothing is subtracted. */
import type { Random } from './random.ts';
import { Stopwatch } from './stopwatch.ts';
import { summarize } from './statistics.ts';
import type { HarnessCost } from './types/result.ts';
import type { Stock } from './types/workload.ts';

const times = 100;

export async function weighHarness(
  { program, root }: Stock,
  random: Random,
  signal: AbortSignal,
): Promise<HarnessCost[]> {
  return [
    readClock(random),
    ...(program === undefined ? [] : [await startNothing(`${root}${program}`, random, signal)]),
  ];
}

function readClock(random: Random): HarnessCost {
  const costs = Array.from({ length: times }, () => {
    const begun = process.hrtime.bigint();
    for (let read = 0; read < times; read += 1) process.hrtime.bigint();
    return Number(process.hrtime.bigint() - begun) / (times + 1);
  });
  return {
    title: 'reading the clock, in Node',
    definition: `process.hrtime.bigint(), the mean of ${times} in a row: what the library's times contain once.`,
    unit: 'ns',
    summary: summarize(costs, random),
  };
}

async function startNothing(payload: string, random: Random, signal: AbortSignal): Promise<HarnessCost> {
  await using stopwatch = new Stopwatch([payload, 'nothing'], { name: 'nothing', signal });
  const costs: number[] = [];
  for (let time = -10; time < times; time += 1) {
    const [run] = await stopwatch.run(1);
    if (run !== undefined && time >= 0) costs.push(Number(run.gone - run.requested) / 1e6);
  }
  return {
    title: 'an empty program, started and followed',
    definition:
      'vfork, execve of a static program that only ends, its exit and wait4: the least that any command can take here, and what all of them contain.',
    unit: 'ms',
    summary: summarize(costs, random),
  };
}
