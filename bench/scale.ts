/** Does a start stay as fast after many others, and beside many others; and what remains of them? */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { create, run } from '../src/index.ts';
import { time } from './peer.ts';
import type { Question } from './question.ts';
import { say } from './report.ts';
import { randomFrom } from '../src/weigh/random.ts';
import { compareApart, medianOf as median, quantileOf } from '../src/weigh/statistics.ts';
import { ms, table, us } from './table.ts';
import { followStarts, watchEngine, type Way } from './way.ts';
import { workload } from './workload.ts';

type Box = Awaited<ReturnType<typeof create>>;

/** What could remain. */
interface Inventory {
  readonly fds: number;
  readonly threads: number;
  readonly mounts: number;
  readonly cgroups: number;
  readonly children: number;
  /** Bytes. */
  readonly rss: number;
  readonly heap: number;
}

/** Ours among all that others make on this machine. */
const prefix = `bench-${process.pid}-`;

export const scale: Question = {
  name: 'scale',
  asks: 'does a start stay as fast after many others and beside many others, and what remains of them',
  async answer({ rounds = 10_000, alive }) {
    const watched = watchEngine();
    const { parent } = watched.engine.cgroups;
    const take = async () => takeInventory(parent);
    for (let index = 0; index < 20; index += 1) await startAndEnd(index);
    await followStarts(1, watched);
    const before = await take();

    const sequence: number[] = [];
    for (let index = 0; index < rounds; index += 1) sequence.push(await startAndEnd(index));
    const after = await take();
    say(`${rounds} one after another, create → exit:\n`);
    sayTenths(sequence);

    const alone = await followStarts(100, watched);
    const boxes: Box[] = [];
    const crowd: number[] = [];
    let crowded: Inventory;
    try {
      for (let index = 0; index < alive; index += 1)
        crowd.push(await time(async () => boxes.push(await startOne(index))));
      crowded = await take();
      sayBoth(alone, await followStarts(100, watched), alive);
    } finally {
      await Promise.all(boxes.map(async (box) => box[Symbol.asyncDispose]()));
    }
    const end = await take();
    say(`${alive} alive at once, create → payload executed:\n`);
    sayTenths(crowd);

    sayInventories({ before, [`after ${rounds}`]: after, [`${alive} alive`]: crowded, 'after all': end });
    return [
      ...sequence.map((ns, index) => ({ phase: 'one after another', index, ns })),
      ...crowd.map((ns, index) => ({ phase: 'alive at once', index, ns })),
      ...Object.entries({ before, after, crowded, end }).map(([when, inventory]) => ({ when, ...inventory })),
    ];
  },
};

async function startAndEnd(index: number): Promise<number> {
  return time(async () => {
    const { exitCode } = await run({ ...workload, name: `${prefix}${index}`, stdio: 'ignore' });
    if (exitCode !== 0) throw new Error(`container ${index}: exit code ${exitCode}`);
  });
}

async function startOne(index: number): Promise<Box> {
  const box = await create({ ...workload, args: ['sleep', '1d'], name: `${prefix}${index}`, stdio: 'ignore' });
  await box.start();
  return box;
}

function sayBoth(alone: readonly Way[], crowded: readonly Way[], alive: number): void {
  const of = (ways: readonly Way[], step: string) => us(median(ways.map((way) => way[step] ?? 0)));
  const rows = Object.keys(alone[0] ?? {}).map((step) => [step, of(alone, step), of(crowded, step)]);
  say(table(['µs of a start, median', 'alone', `beside ${alive}`], rows));
}

/** After what ends in the background has ended. */
async function takeInventory(parent: string | undefined): Promise<Inventory> {
  await pause(500);
  globalThis.gc?.();
  return {
    fds: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length - 1,
    cgroups: parent === undefined ? 0 : readdirSync(parent).filter((name) => name.startsWith(prefix)).length,
    children: readdirSync('/proc').filter(isOurChild).length,
    rss: process.memoryUsage.rss(),
    heap: process.memoryUsage().heapUsed,
  };
}

function isOurChild(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${Number(pid)}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === process.pid;
  } catch {
    return false; // no process, or one that has ended meanwhile
  }
}

function sayTenths(samples: readonly number[]): void {
  const size = Math.ceil(samples.length / 10);
  const tenths = Array.from({ length: Math.ceil(samples.length / size) }, (_, tenth) =>
    samples.slice(tenth * size, (tenth + 1) * size),
  );
  const rows = tenths.map((tenth, index) => {
    const range = `${index * size} to ${index * size + tenth.length - 1}`;
    return [range, ...[0, 0.5, 0.9].map((share) => ms(quantileOf(tenth, share)))];
  });
  say(table(['ms', 'min', 'median', 'p90'], rows));
  const [last = [], first = []] = [tenths.at(-1), tenths[0]];
  const { ratio, low, high } = compareApart(last, first, randomFrom(1));
  const min = Math.min(...last) / Math.min(...first);
  const interval = `${low.toFixed(2)}–${high.toFixed(2)}`;
  say(`last tenth to first: × ${ratio.toFixed(2)} by medians (95 %: ${interval}), × ${min.toFixed(2)} by minimums\n`);
}

function sayInventories(inventories: Readonly<Record<string, Inventory>>): void {
  const taken = Object.values(inventories);
  const row = (name: string, of: (inventory: Inventory) => number) => [name, ...taken.map((one) => String(of(one)))];
  const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const rows = [
    row('open files of Node', ({ fds }) => fds),
    row('threads of Node', ({ threads }) => threads),
    row('mounts of the host', ({ mounts }) => mounts),
    row('cgroups of ours', ({ cgroups }) => cgroups),
    row('children, zombies and watchdogs too', ({ children }) => children),
    row('heap of Node, MiB', ({ heap }) => mib(heap)),
    row('memory of Node, MiB', ({ rss }) => mib(rss)),
  ];
  say(table(['left behind', ...Object.keys(inventories)], rows));
  say(`peak memory of Node: ${mib(process.resourceUsage().maxRSS * 1024)} MiB`);
}
