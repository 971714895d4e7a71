import { setTimeout as sleep } from 'node:timers/promises';
import { TareError } from '../../errors.ts';
import type { Cgroup } from '../../cgroup/cgroup.ts';
import type { CgroupStats } from '../../cgroup/stats.ts';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { groupOf } from '../later.ts';

/** A line of JSON in runc's form: once, or every so often until the container has stopped. */
export async function main(words: Words, { store }: Context): Promise<number> {
  const saved = store.get(words.id);
  if (store.status(saved) === 'stopped') throw new TareError(`watch container ${saved.id}: container not running`);
  const group = groupOf(saved, 'watch');
  const interval = milliseconds(words.value('interval') ?? '5s');
  await tell(saved.id, group);
  if (words.has('stats')) return 0;
  let told = performance.now();
  let kills = group.oomKills().kills;
  while (store.find(saved.id) !== undefined && store.status(saved) !== 'stopped') {
    await sleep(Math.min(interval, alert));
    const now = group.oomKills().kills; // none where the group has been removed meanwhile: the loop sees it
    for (; kills < now; kills += 1) say({ type: 'oom', id: saved.id });
    if (performance.now() - told < interval) continue;
    told = performance.now();
    await tell(saved.id, group).catch(() => {});
  }
  return 0;
}

/** How often it is seen whether memory has run out, or the container has ended, in ms. */
const alert = 100;

const say = (event: object): boolean => process.stdout.write(`${JSON.stringify(event)}\n`);

async function tell(id: string, group: Cgroup): Promise<void> {
  const data = dataOf(await group.stats());
  say({ type: 'stats', id, data });
}

/** Go's durations, as far as anybody writes them here. */
function milliseconds(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const length = Number(count) * (units[unit] ?? 0);
  if (length > 0) return length;
  throw new TareError(`read --interval ${JSON.stringify(text)}`, { hint: 'it takes a time such as 500ms or 5s' });
}

/** runc's `types.Stats`: nanoseconds and bytes; what this host does not count is 0, as there. */
function dataOf({ cpu, memory, pids, io = {}, hugetlb = {} }: CgroupStats) {
  const bound = (value: number | undefined): number | undefined =>
    value === undefined || !Number.isFinite(value) ? undefined : value;
  const devices = Object.entries(io).flatMap(([device, { readBytes, writtenBytes }]) => {
    const [major, minor] = device.split(':').map(Number);
    return [
      { major, minor, op: 'Read', value: readBytes },
      { major, minor, op: 'Write', value: writtenBytes },
    ];
  });
  return {
    cpu: {
      usage: {
        total: (cpu?.usageMicroseconds ?? 0) * 1000,
        kernel: (cpu?.systemMicroseconds ?? 0) * 1000,
        user: (cpu?.userMicroseconds ?? 0) * 1000,
      },
      throttling: {
        periods: cpu?.periods ?? 0,
        throttledPeriods: cpu?.throttledPeriods ?? 0,
        throttledTime: (cpu?.throttledMicroseconds ?? 0) * 1000,
      },
    },
    memory: {
      usage: { limit: bound(memory?.maxBytes), usage: memory?.currentBytes ?? 0, max: memory?.peakBytes ?? 0 },
      raw: memory?.stat ?? {},
    },
    pids: { current: pids?.current ?? 0, limit: bound(pids?.max) },
    blkio: { ioServiceBytesRecursive: devices },
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb).map(([size, { currentBytes, refused }]) => [
        size,
        { usage: currentBytes, failcnt: refused ?? 0 },
      ]),
    ),
  };
}
