/**
 * What groups of cgroup v1 say of themselves, in the words of v2: Documentation/admin-guide/cgroup-v1/. Pure.
 *
 * A file that is missing makes its part undefined, as in stats.ts.
 */
import {
  amount,
  type CgroupStats,
  type CpuStats,
  flat,
  type GroupFiles,
  type IoStats,
  type MemoryStats,
  type OomKills,
  parsePids,
} from './stats.ts';

/** The files that are read; each begins with its controller. */
export const v1Statistics = [
  ...['cpu.stat', 'cpuacct.usage', 'cpuacct.usage_user', 'cpuacct.usage_sys'],
  ...['usage_in_bytes', 'max_usage_in_bytes', 'limit_in_bytes'].map((name) => `memory.${name}`),
  ...['memsw.max_usage_in_bytes', 'memsw.failcnt'].map((name) => `memory.${name}`),
  ...['memsw.usage_in_bytes', 'memsw.limit_in_bytes', 'failcnt', 'oom_control', 'stat'].map((name) => `memory.${name}`),
  ...['pids.current', 'pids.peak', 'pids.max', 'pids.events'],
  ...['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
];

/** @param stats what v2 says of the same processes; where both know something, v2 is asked */
export function addV1Stats(stats: CgroupStats, files: GroupFiles): CgroupStats {
  return {
    ...stats,
    cpu: parseCpu(files, stats.cpu),
    memory: stats.memory ?? parseMemory(files),
    pids: stats.pids ?? parsePids(files),
    io: stats.io ?? parseIo(files),
  };
}

/** Nanoseconds, in v1. Every group of v2 counts its time; who holds it back is v1's to tell. */
function parseCpu(files: GroupFiles, counted: CpuStats | undefined): CpuStats | undefined {
  const microseconds = (file: string): number => Math.round((amount(files, file) ?? 0) / 1000);
  const stat = flat(files, 'cpu.stat');
  const usage = {
    usageMicroseconds: microseconds('cpuacct.usage'),
    userMicroseconds: microseconds('cpuacct.usage_user'),
    systemMicroseconds: microseconds('cpuacct.usage_sys'),
  };
  if (stat === undefined) return counted ?? (amount(files, 'cpuacct.usage') === undefined ? undefined : usage);
  return {
    ...(counted ?? usage),
    periods: stat.nr_periods,
    throttledPeriods: stat.nr_throttled,
    throttledMicroseconds: Math.round((stat.throttled_time ?? 0) / 1000),
    bursts: stat.nr_bursts,
    burstMicroseconds: Math.round((stat.burst_time ?? 0) / 1000),
  };
}

/** No limit is written as the last page that 63 bits can count. */
const noLimit = 2 ** 62;
const bound = (value: number | undefined): number | undefined =>
  value === undefined || value < noLimit ? value : Infinity;

function parseMemory(files: GroupFiles): MemoryStats | undefined {
  const currentBytes = amount(files, 'memory.usage_in_bytes');
  if (currentBytes === undefined) return undefined;
  const maxBytes = bound(amount(files, 'memory.limit_in_bytes'));
  const withSwap = amount(files, 'memory.memsw.usage_in_bytes');
  const most = bound(amount(files, 'memory.memsw.limit_in_bytes'));
  const { kills } = parseV1OomKills(files);
  return {
    currentBytes,
    peakBytes: amount(files, 'memory.max_usage_in_bytes'),
    maxBytes,
    // v1 counts both together.
    swapCurrentBytes: withSwap === undefined ? undefined : Math.max(0, withSwap - currentBytes),
    swapMaxBytes: most === undefined || most === Infinity ? most : Math.max(0, most - (maxBytes ?? 0)),
    events: { low: 0, high: 0, max: amount(files, 'memory.failcnt') ?? 0, oom: kills, oomKill: kills, oomGroupKill: 0 },
    stat: flat(files, 'memory.stat') ?? {},
  };
}

/** Of this group alone: v1 counts a victim in the group that it lived in. */
export function parseV1OomKills(files: GroupFiles): OomKills {
  const kills = flat(files, 'memory.oom_control')?.oom_kill ?? 0;
  if (kills === 0) return { kills };
  // Whose limits were never reached lost its process to another's.
  const limit = ['memory', 'memory.memsw'].some((kind) => wasReached(files, kind)) ? 'own' : 'outer';
  return { kills, limit, maxBytes: bound(amount(files, 'memory.limit_in_bytes')) ?? Infinity };
}

/** Pages are counted this many bytes at a time; not every kernel counts failures. */
const batch = 64 * 4096;

function wasReached(files: GroupFiles, kind: string): boolean {
  const [failures, peak, most] = ['failcnt', 'max_usage_in_bytes', 'limit_in_bytes'].map((file) =>
    amount(files, `${kind}.${file}`),
  );
  return (failures ?? 0) > 0 || (peak ?? 0) >= (most ?? Infinity) - batch;
}

/** Lines of `8:0 Read 4096`. */
function parseIo(files: GroupFiles): Record<string, IoStats> | undefined {
  const [bytes, operations] = ['io_service_bytes', 'io_serviced'].map((kind) => {
    const text = files(`blkio.throttle.${kind}_recursive`);
    return text === undefined ? undefined : parseDevices(text);
  });
  if (bytes === undefined) return undefined;
  const devices = Object.entries(bytes).map(([device, moved]): [string, IoStats] => {
    const done = operations?.[device] ?? {};
    return [
      device,
      {
        readBytes: moved.Read ?? 0,
        writtenBytes: moved.Write ?? 0,
        discardedBytes: moved.Discard ?? 0,
        reads: done.Read ?? 0,
        writes: done.Write ?? 0,
        discards: done.Discard ?? 0,
      },
    ];
  });
  return Object.fromEntries(devices);
}

function parseDevices(text: string): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {};
  for (const line of text.split('\n')) {
    const [device = '', kind = '', count] = line.split(' ');
    if (/^\d+:\d+$/.test(device) && count !== undefined) (found[device] ??= {})[kind] = Number(count);
  }
  return found;
}
