/** One start, followed from the call to its end. */
import { Engine } from '../src/container/engine.ts';
import { launch } from '../src/container/run.ts';
import type { Child } from '../src/launch/child.ts';
import type { Program } from '../src/launch/program.ts';
import type { Stamp } from '../src/launch/stamps.ts';
import { openNative } from '../src/linux/native.ts';
import { workload } from './workload.ts';

export const how = { waitForStart: false, stdio: 'ignore' } as const;

/** Wall time in ns from the call of `run` to its end, by what it was spent on, in order. */
export type Way = Readonly<Record<string, number>>;

/** Follows as many starts, after some that are to warm V8 up. */
export async function followStarts(times: number, watched = watchEngine()): Promise<Way[]> {
  const ways: Way[] = [];
  for (let time = -20; time < times; time += 1) {
    const way = await followOne(watched);
    if (time >= 0) ways.push(way);
  }
  return ways;
}

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

/** An engine whose spawner tells when it does what. */
export interface Watched {
  readonly engine: Engine;
  readonly spawner: { last(): Promise<Moments> };
}

export function watchEngine(): Watched {
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
    if (options.trace !== true) return child; // some other process
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
