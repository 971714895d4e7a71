/** Where does a start's time go: on its way through Node and the kernel, and within our own code? */
import { Engine } from '../src/container/engine.ts';
import { launch } from '../src/container/run.ts';
import type { Child } from '../src/launch/child.ts';
import type { Program } from '../src/launch/program.ts';
import type { Stamp } from '../src/launch/stamps.ts';
import { openNative } from '../src/linux/native.ts';
import { takeCpuProfile } from './cpu-profile.ts';
import type { Question } from './question.ts';
import { say } from './report.ts';
import { median } from './statistics.ts';
import { table, us } from './table.ts';
import { workload } from './workload.ts';

const how = { waitForStart: false, stdio: 'ignore' } as const;

export const profile: Question = {
  name: 'profile',
  asks: "where a start's time goes",
  async answer({ rounds = 300 }) {
    const watched = watchEngine();
    const ways: Way[] = [];
    for (let round = -20; round < rounds; round += 1) {
      const way = await followOne(watched);
      if (round >= 0) ways.push(way); // the first ones warm V8 up
    }
    sayWay(ways);
    const engine = new Engine();
    const startOne = async () => (await launch(engine, workload, how)).exited;
    // Not only to be warm: the device judge cannot be loaded while a profiler's signals interrupt the verifier.
    for (let time = 0; time < 20; time += 1) await startOne();
    say(await takeCpuProfile(rounds, startOne));
    return ways;
  },
};

/** Wall time in ns from the call of `run` to its end, by what it was spent on, in order. */
type Way = Readonly<Record<string, number>>;

async function followOne({ engine, spawner }: Watched): Promise<Way> {
  const begun = process.hrtime.bigint();
  const container = await launch(engine, workload, { ...how, trace: true });
  await container.exited;
  const ended = process.hrtime.bigint();
  const { called, cloned, program, child, reaped, heard } = await spawner.last();
  const [first, last] = [child.stamps[0]?.wall, lastStamp(child.stamps)];
  if (first === undefined || last === undefined) throw new Error('a traced container has no stamps');
  return {
    'prepare, compile, make the cgroup': Number(called - begun),
    encode: Number(cloned - called),
    'clone3, execute tare-init': Number(first - cloned),
    ...stages(program, child.stamps),
    'execve, /bin/true, its end': Number(reaped - last),
    'Node hears of it': Number(heard - reaped),
    'remove the cgroup': Number(ended - heard),
  };
}

/** The moments of a start that only the spawner knows. */
interface Moments {
  readonly program: Program;
  readonly child: Child;
  readonly called: bigint;
  /** libtare is asked for it. */
  readonly cloned: bigint;
  readonly reaped: bigint;
  readonly heard: bigint;
}

interface Watched {
  readonly engine: Engine;
  readonly spawner: { last(): Promise<Moments> };
}

function watchEngine(): Watched {
  let cloned = 0n;
  let last: Promise<Moments> = Promise.reject(new Error('nothing has been started'));
  last.catch(() => undefined);
  const native = openNative();
  const engine = new Engine({
    ...native,
    spawn(request) {
      cloned = process.hrtime.bigint();
      native.spawn(request);
    },
  });
  const { spawner } = engine;
  const spawn = spawner.spawn.bind(spawner);
  spawner.spawn = (options) => {
    const called = process.hrtime.bigint();
    const child = spawn(options);
    const moments = { program: options.program, child, called, cloned };
    last = child.exited.then(({ at }) => ({ ...moments, reaped: at, heard: process.hrtime.bigint() }));
    return child;
  };
  return { engine, spawner: { last: async () => last } };
}

const lastStamp = (stamps: readonly Stamp[]): bigint | undefined =>
  stamps.findLast(({ wall }) => wall !== undefined)?.wall;

/** Of each stage, from its first op to the first of the next; the last one ends with the execve that succeeds. */
function stages(program: Program, stamps: readonly Stamp[]): Way {
  const way: Record<string, number> = {};
  let before: { stage: string; wall: bigint } | undefined;
  program.ops.forEach(({ stage }, index) => {
    const wall = stamps[index]?.wall;
    if (wall === undefined) return;
    if (before !== undefined) way[before.stage] = (way[before.stage] ?? 0) + Number(wall - before.wall);
    before = { stage, wall };
  });
  return Object.fromEntries(Object.entries(way).map(([stage, ns]) => [`  ${stage}`, ns]));
}

function sayWay(ways: readonly Way[]): void {
  const steps = Object.keys(ways[0] ?? {});
  const of = (step: string) => ways.map((way) => way[step] ?? 0);
  const totals = ways.map((way) => Object.values(way).reduce((sum, ns) => sum + ns, 0));
  const row = (name: string, times: readonly number[]) => [
    name,
    us(Math.min(...times)),
    us(median(times)),
    `${((100 * median(times)) / median(totals)).toFixed(0)} %`,
  ];
  const rows = [...steps.map((step) => row(step, of(step))), row('in all (traced)', totals)];
  say(table(['µs of wall time', 'min', 'median', 'share'], rows));
}
