/** How long does the command take, from its first instruction to its last? */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compare } from './peer.ts';
import { bwrap } from '../src/weigh/backends/bwrap.ts';
import { crun } from '../src/weigh/backends/crun.ts';
import { runc } from '../src/weigh/backends/runc.ts';
import { weighed } from './peers/backend.ts';
import { buildDirectory, type Run, sources, timeCommand } from './peers/stopwatch.ts';
import { nodeAlone, tareCli, tareCliDecides, tareCommand } from './peers/tare.ts';
import type { Question } from './question.ts';
import { say, sayComparison } from './report.ts';
import { medianOf as median } from '../src/weigh/statistics.ts';
import { ms, table } from './table.ts';

const candidates = [tareCli, tareCliDecides, weighed(runc), weighed(crun), weighed(bwrap), nodeAlone];

export const cli: Question = {
  name: 'cli',
  asks: 'how long does the command take: tare run busybox true, as a process',
  async answer({ rounds = 100 }) {
    const measured = await compare(candidates, { rounds, warmup: Math.min(rounds, 5), rest: 10 });
    sayComparison(measured, tareCli.name);
    const ways = await followCommand(rounds);
    sayWays(ways);
    return [...measured.samples, ...ways];
  },
};

/** ns by step, in order. */
type Way = Readonly<Record<string, number>>;

/** What cli-probe.cjs notes: CLOCK_MONOTONIC in ns. */
type Marks = Readonly<Record<string, number>>;

async function followCommand(rounds: number): Promise<Way[]> {
  mkdirSync(buildDirectory, { recursive: true });
  const file = join(buildDirectory, 'marks.ndjson');
  rmSync(file, { force: true });
  const probe = `--require=${join(sources, 'cli-probe.cjs')}`;
  const watch = timeCommand(tareCommand, {
    environment: { NODE_OPTIONS: probe, TARE_BENCH_PROBE: file, TARE_NO_REPLAY: '1' },
  });
  const runs: Run[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      await pause(10);
      runs.push(await watch.run());
    }
  } finally {
    await watch.close();
  }
  const marks = readFileSync(file, 'utf8').trimEnd().split('\n');
  return runs.map((run, index) => wayOf(run, JSON.parse(marks[index] ?? '{}') as Marks));
}

/** The moments at which a step ends and the next begins. */
const steps: readonly (readonly [name: string, end: string])[] = [
  ['bin/tare, execve node', 'node'],
  ['Node itself', 'booted'],
  ['the probe, bin/tare.cjs', 'compile begin'],
  ['take the bundle from the code cache', 'compile end'],
  ['evaluate it, read the command line', 'dlopen begin'],
  ['open the engine, prepare, make the cgroup', 'spawn begin'],
  ['clone3, execute tare-init', 'spawn end'],
  ['the container, from its first call to its end', 'rmdir begin'],
  ['remove the cgroup, resolve', 'exit'],
];

function wayOf({ begin, end }: Run, marks: Marks): Way {
  let before = Number(begin);
  const way: Record<string, number> = {};
  for (const [name, mark] of steps) {
    const at = marks[mark] ?? before;
    way[name] = at - before;
    before = at;
  }
  return { ...way, 'Node goes': Number(end) - before };
}

function sayWays(ways: readonly Way[]): void {
  const row = (name: string, times: readonly number[]) => [name, ms(Math.min(...times)), ms(median(times))];
  const rows = Object.keys(ways[0] ?? {}).map((name) =>
    row(
      name,
      ways.map((way) => way[name] ?? 0),
    ),
  );
  const totals = ways.map((way) => Object.values(way).reduce((sum, ns) => sum + ns, 0));
  say(table(['ms, of tare run with a probe in it', 'min', 'median'], [...rows, row('in all', totals)]));
}
