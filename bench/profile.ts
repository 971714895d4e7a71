/** Where does a start's time go: on its way through Node and the kernel, and within our own code? */
import { Engine } from '../src/container/engine.ts';
import type { Container } from '../src/container/container.ts';
import { launch } from '../src/container/run.ts';
import type { Program } from '../src/launch/program.ts';
import type { Stamp } from '../src/launch/stamps.ts';
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
    const engine = new Engine();
    for (let time = 0; time < 20; time += 1) await (await launch(engine, workload, how)).exited;
    const ways: Way[] = [];
    for (let round = 0; round < rounds; round += 1) ways.push(await followOne(engine));
    sayWay(ways);
    say(await takeCpuProfile(rounds, async () => (await launch(engine, workload, how)).exited));
    return ways;
  },
};

/** Wall time in ns from the call of `run` to its end, by what it was spent on, in order. */
type Way = Readonly<Record<string, number>>;

async function followOne(engine: Engine): Promise<Way> {
  const spawned = watchSpawn(engine);
  const begun = process.hrtime.bigint();
  const container: Container = await launch(engine, workload, { ...how, trace: true });
  await container.exited;
  const ended = process.hrtime.bigint();
  const { called, reaped, heard } = await spawned;
  const { program, stamps } = container;
  const [first, last] = [stamps[0]?.wall, lastStamp(stamps)];
  if (program === undefined || first === undefined || last === undefined)
    throw new Error('a traced container has no stamps');
  return {
    'prepare, compile, make the cgroup': Number(called - begun),
    'encode, clone3, execute tare-init': Number(first - called),
    ...stages(program, stamps),
    'execve, /bin/true, its end': Number(reaped - last),
    'Node hears of it': Number(heard - reaped),
    'remove the cgroup': Number(ended - heard),
  };
}

/** The moments that only the spawner knows. */
async function watchSpawn(engine: Engine): Promise<{ called: bigint; reaped: bigint; heard: bigint }> {
  const { spawner } = engine;
  return new Promise((resolve, reject) => {
    const watched: typeof spawner.spawn = (options) => {
      Reflect.deleteProperty(spawner, 'spawn');
      const called = process.hrtime.bigint();
      const child = spawner.spawn(options);
      child.exited.then((exit) => resolve({ called, reaped: exit.at, heard: process.hrtime.bigint() }), reject);
      return child;
    };
    spawner.spawn = watched;
  });
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
