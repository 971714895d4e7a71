/**
 * What a cgroup v2 group says of itself, parsed: Documentation/admin-guide/cgroup-v2.rst. Pure.
 *
 * Every function takes the texts of files by name; a file that is missing, because its controller is not enabled for
 * the group or the kernel is older, makes its part undefined.
 */

/** The text of a file of the group, undefined where there is none. */
export type GroupFiles = (file: string) => string | undefined;

/** cpu.stat: CPU time in microseconds, and how often and how long cpu.max held the group back. */
export interface CpuStats {
  usageMicroseconds: number;
  userMicroseconds: number;
  systemMicroseconds: number;
  /** Of cpu.max; with the cpu controller only, as what follows. */
  periods?: number;
  throttledPeriods?: number;
  throttledMicroseconds?: number;
  bursts?: number;
  burstMicroseconds?: number;
}

/** The memory.* files: bytes. */
export interface MemoryStats {
  currentBytes: number;
  /** Since the group was made; Linux 5.19. */
  peakBytes?: number;
  /** Infinity where there is no limit. */
  maxBytes?: number;
  highBytes?: number;
  swapCurrentBytes?: number;
  swapPeakBytes?: number;
  swapMaxBytes?: number;
  /** How often the group, or one below it, hit a boundary: memory.events. */
  events: MemoryEvents;
  /** memory.stat by the kernel's names: bytes, and for `pg…` and `workingset_…` counts. */
  stat: Readonly<Record<string, number>>;
}

/** memory.events: how often the group went below `low`, and above `high` or `max`. */
export interface MemoryEvents {
  low: number;
  high: number;
  max: number;
  /** The limit was hit and nothing could be reclaimed. */
  oom: number;
  /** Processes killed, by whichever group's limit. */
  oomKill: number;
  oomGroupKill: number;
}

/** What the OOM killer did in a group. */
export interface OomKills {
  /** Processes killed in the group and below. */
  kills: number;
  /**
   * Whose memory ran out: `own` the limit of this group, `inner` one of a group below it, `outer` one of a group above
   * it or the whole machine. Undefined without kills.
   */
  limit?: 'own' | 'inner' | 'outer';
  /** memory.max of this group; Infinity for none. */
  maxBytes?: number;
}

/** The pids.* files: counts of tasks. */
export interface PidsStats {
  current: number;
  peak?: number;
  /** Infinity where there is no limit. */
  max?: number;
  /** Forks refused. */
  refused?: number;
}

/** A line of io.stat: bytes, and counts of operations. */
export interface IoStats {
  readBytes: number;
  writtenBytes: number;
  discardedBytes: number;
  reads: number;
  writes: number;
  discards: number;
}

/** The hugetlb.* files of one page size: bytes. */
export interface HugetlbStats {
  currentBytes: number;
  maxBytes: number;
  reservedBytes?: number;
  /** Allocations refused. */
  refused?: number;
}

/** What a group has used. A part is undefined where its controller does not serve the group. */
export interface CgroupStats {
  cpu?: CpuStats;
  memory?: MemoryStats;
  pids?: PidsStats;
  /** By device, `8:0`. */
  io?: Readonly<Record<string, IoStats>>;
  /** By page size, `2MB`. */
  hugetlb?: Readonly<Record<string, HugetlbStats>>;
}

/** The share of the last 10, 60 and 300 seconds in which tasks waited, in per cent, and the wait since the beginning. */
export interface Stall {
  percent10s: number;
  percent60s: number;
  percent300s: number;
  totalMicroseconds: number;
}

/** Pressure stall information: Documentation/accounting/psi.rst. `some` task waited, or `full`: all of them at once. */
export interface Pressure {
  some?: Stall;
  full?: Stall;
}

/** The *.pressure files of a group. */
export interface CgroupPressure {
  cpu?: Pressure;
  memory?: Pressure;
  io?: Pressure;
  irq?: Pressure;
}

/** Lines of `key value`. */
export function parseFlat(text: string): Record<string, number> {
  return Object.fromEntries(
    text.split('\n').flatMap((line): [string, number][] => {
      const [key, value] = line.split(' ');
      return key === undefined || value === undefined ? [] : [[key, parseAmount(value)]];
    }),
  );
}

/** Lines of `key name=value name=value`. */
export function parseNested(text: string): Record<string, Record<string, number>> {
  return Object.fromEntries(
    text.split('\n').flatMap((line): [string, Record<string, number>][] => {
      const [key, ...pairs] = line.trimEnd().split(' ');
      // io.stat has lines of a device alone, once its counters have gone.
      if (key === undefined || pairs.length === 0) return [];
      return [[key, parseFlat(pairs.join('\n').replaceAll('=', ' '))]];
    }),
  );
}

/** A number, or `max` for no limit: Infinity. */
const parseAmount = (text: string): number => (text.trim() === 'max' ? Infinity : Number(text));

/** What a file of one number says; Infinity for `max`. */
export const amount = (files: GroupFiles, file: string): number | undefined => {
  const text = files(file);
  return text === undefined ? undefined : parseAmount(text);
};

/** What a file of lines of `key value` says. */
export const flat = (files: GroupFiles, file: string): Record<string, number> | undefined => {
  const text = files(file);
  return text === undefined ? undefined : parseFlat(text);
};

function parseCpu(files: GroupFiles): CpuStats | undefined {
  const stat = flat(files, 'cpu.stat');
  if (stat === undefined) return undefined;
  return {
    usageMicroseconds: stat.usage_usec ?? 0,
    userMicroseconds: stat.user_usec ?? 0,
    systemMicroseconds: stat.system_usec ?? 0,
    periods: stat.nr_periods,
    throttledPeriods: stat.nr_throttled,
    throttledMicroseconds: stat.throttled_usec,
    bursts: stat.nr_bursts,
    burstMicroseconds: stat.burst_usec,
  };
}

/** memory.events counts the groups below too, memory.events.local this one alone. */
export function parseMemoryEvents(text: string): MemoryEvents {
  const events = parseFlat(text);
  return {
    low: events.low ?? 0,
    high: events.high ?? 0,
    max: events.max ?? 0,
    oom: events.oom ?? 0,
    oomKill: events.oom_kill ?? 0,
    oomGroupKill: events.oom_group_kill ?? 0,
  };
}

function parseMemory(files: GroupFiles): MemoryStats | undefined {
  const currentBytes = amount(files, 'memory.current');
  if (currentBytes === undefined) return undefined;
  return {
    currentBytes,
    peakBytes: amount(files, 'memory.peak'),
    maxBytes: amount(files, 'memory.max'),
    highBytes: amount(files, 'memory.high'),
    swapCurrentBytes: amount(files, 'memory.swap.current'),
    swapPeakBytes: amount(files, 'memory.swap.peak'),
    swapMaxBytes: amount(files, 'memory.swap.max'),
    events: parseMemoryEvents(files('memory.events') ?? ''),
    stat: flat(files, 'memory.stat') ?? {},
  };
}

/** The same files in both versions of cgroups. */
export function parsePids(files: GroupFiles): PidsStats | undefined {
  const current = amount(files, 'pids.current');
  if (current === undefined) return undefined;
  const refused = flat(files, 'pids.events')?.max;
  return { current, peak: amount(files, 'pids.peak'), max: amount(files, 'pids.max'), refused };
}

function parseIo(files: GroupFiles): Record<string, IoStats> | undefined {
  const text = files('io.stat');
  if (text === undefined) return undefined;
  const devices = Object.entries(parseNested(text)).map(([device, stat]): [string, IoStats] => [
    device,
    {
      readBytes: stat.rbytes ?? 0,
      writtenBytes: stat.wbytes ?? 0,
      discardedBytes: stat.dbytes ?? 0,
      reads: stat.rios ?? 0,
      writes: stat.wios ?? 0,
      discards: stat.dios ?? 0,
    },
  ]);
  return Object.fromEntries(devices);
}

function parseHugetlb(files: GroupFiles, pageSizes: readonly string[]): Record<string, HugetlbStats> | undefined {
  if (pageSizes.length === 0) return undefined;
  const sizes = pageSizes.map((size): [string, HugetlbStats] => {
    const file = `hugetlb.${size}`;
    const stats: HugetlbStats = {
      currentBytes: amount(files, `${file}.current`) ?? 0,
      maxBytes: amount(files, `${file}.max`) ?? Infinity,
      reservedBytes: amount(files, `${file}.rsvd.current`),
      refused: flat(files, `${file}.events`)?.max,
    };
    return [size, stats];
  });
  return Object.fromEntries(sizes);
}

/** `pageSizes` as in the names of the group's files: `2MB` for hugetlb.2MB.current. */
export function parseStats(files: GroupFiles, pageSizes: readonly string[]): CgroupStats {
  return {
    cpu: parseCpu(files),
    memory: parseMemory(files),
    pids: parsePids(files),
    io: parseIo(files),
    hugetlb: parseHugetlb(files, pageSizes),
  };
}

/** A file such as memory.pressure. */
export function parsePressure(text: string): Pressure {
  const stalls = Object.entries(parseNested(text)).map(([kind, stat]): [string, Stall] => [
    kind,
    {
      percent10s: stat.avg10 ?? 0,
      percent60s: stat.avg60 ?? 0,
      percent300s: stat.avg300 ?? 0,
      totalMicroseconds: stat.total ?? 0,
    },
  ]);
  return Object.fromEntries(stalls);
}
