/**
 * `linux.resources` as writes to cgroup v2 files: pure.
 *
 * The runtime-spec speaks cgroup v1; what v2 counts otherwise is converted as runc and crun do it (crun(1), "CGROUP
 * v2"), what v2 does not have is refused (`refusals.ts`). A 0 reads as "not set" where v1's files could not hold one.
 */
import type { Errno } from '../linux/abi.ts';
import type {
  BlockIoResources,
  CpuResources,
  HugepageLimit,
  MemoryResources,
  RdmaResources,
  Resources,
} from '../spec/resources.ts';

export interface CgroupWrite {
  /** Within the container's group. */
  file: string;
  value: string;
  /** What the write does, to what: as an op of a launch program says it. */
  why: string;
  /** Errnos that are fine. */
  allow?: readonly Errno[];
  hints?: Partial<Record<Errno, string>>;
}

/** A write and the controller whose file it is; undefined for the files that every group has. */
export interface Limit extends CgroupWrite {
  controller: string | undefined;
}

/**
 * cpu.shares (2 to 262144, 1024 for most) as cpu.weight (1 to 10000, 100 for most): the curve through the least, the
 * usual and the greatest of both, of runc since 1.3.2 (opencontainers/cgroups, ConvertCPUSharesToCgroupV2Value) and crun
 * since 1.23. Before, both drew a straight line, and the usual 1024 became 39.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** blkio.weight (10 to 1000) as io.weight (1 to 10000), on a straight line: crun(1), "IO controller". */
export const ioWeight = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);

/** `67108864` → `64 MiB`, `1000` → `1000 bytes`. */
function bytes(count: number): string {
  let rest = count;
  let unit = 0;
  while (rest !== 0 && rest % 1024 === 0 && unit < 4) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][unit] ?? 'bytes'}`;
}

/** The greatest uint64 comes out of JSON as 2^64, which the kernel would not read. */
const orMax = (value: number): string => (value < 0 || value >= 2 ** 63 ? 'max' : String(value));
export const limitOf = (what: string, value: number): string =>
  orMax(value) === 'max' ? `use ${what} without limit` : `limit ${what} to ${bytes(value)}`;
export const set = (value: number | undefined): value is number => value !== undefined && value !== 0;

function memoryLimits({ limit, reservation, swap }: MemoryResources): Limit[] {
  const controller = 'memory';
  const limits: Limit[] = [];
  const swapMax = swapLimit(limit, swap);
  if (swapMax !== undefined) {
    // A kernel without swap has no such file, and keeps these two promises by itself.
    const allow: Errno[] = swapMax <= 0 ? ['ENOENT'] : [];
    const hints = { ENOENT: 'this kernel has no swap accounting: boot with swapaccount=1, or leave swap out' };
    limits.push({
      controller,
      file: 'memory.swap.max',
      value: orMax(swapMax),
      why: limitOf('swap', swapMax),
      allow,
      hints,
    });
  }
  if (set(limit)) limits.push({ controller, file: 'memory.max', value: orMax(limit), why: limitOf('memory', limit) });
  if (set(reservation)) {
    const why = reservation < 0 ? 'protect all memory' : `protect memory up to ${bytes(reservation)}`;
    limits.push({ controller, file: 'memory.low', value: orMax(reservation), why });
  }
  return limits;
}

/** v1 counts memory and swap together, v2 swap alone. */
function swapLimit(memory: number | undefined, swap: number | undefined): number | undefined {
  if (!set(swap)) return memory === -1 ? -1 : undefined;
  if (swap < 0 || memory === -1) return swap;
  return swap - (memory ?? 0);
}

function cpuLimits({ shares, quota, period, burst, idle, cpus, mems }: CpuResources): Limit[] {
  const limits: Limit[] = [];
  const cpu = (file: string, value: number | string, why: string): void => {
    limits.push({ controller: 'cpu', file, value: String(value), why });
  };
  // Before cpu.idle: an idle group has no weight, and takes none.
  if (set(shares) && idle !== 1) {
    cpu('cpu.weight', cpuWeight(shares), `give the CPU weight ${cpuWeight(shares)} (${shares} shares)`);
  }
  if (set(quota) || set(period)) {
    const time = set(quota) && quota > 0 ? String(quota) : 'max';
    const why =
      time === 'max'
        ? 'use CPU time without limit'
        : `limit CPU time to ${quota} µs of ${set(period) ? period : 100000} µs`;
    cpu('cpu.max', set(period) ? `${time} ${period}` : time, why);
  }
  // Behind cpu.max: the burst may not exceed the quota.
  if (burst !== undefined) cpu('cpu.max.burst', burst, `let unused CPU time add up to ${burst} µs`);
  if (idle !== undefined)
    cpu('cpu.idle', idle, idle === 1 ? 'run only when nobody else wants the CPU' : 'run as usual');
  if (cpus !== undefined && cpus !== '')
    limits.push({ controller: 'cpuset', file: 'cpuset.cpus', value: cpus, why: `run on CPUs ${cpus}` });
  if (mems !== undefined && mems !== '')
    limits.push({ controller: 'cpuset', file: 'cpuset.mems', value: mems, why: `use memory nodes ${mems}` });
  return limits;
}

function ioLimits(io: BlockIoResources): Limit[] {
  const controller = 'io';
  const limits: Limit[] = [];
  const hints = {
    ENOENT:
      "the kernel has no io.weight (CONFIG_BLK_CGROUP_IOCOST); with the bfq scheduler, set unified's io.bfq.weight",
  };
  if (set(io.weight)) {
    const weight = ioWeight(io.weight);
    const why = `give block I/O the weight ${weight} (blkio ${io.weight})`;
    limits.push({ controller, file: 'io.weight', value: `default ${weight}`, why, hints });
  }
  for (const { major, minor, weight } of io.weightDevice ?? []) {
    if (!set(weight)) continue;
    const value = `${major}:${minor} ${ioWeight(weight)}`;
    limits.push({ controller, file: 'io.weight', value, why: `give I/O of device ${major}:${minor} a weight`, hints });
  }
  // A write to io.max is about one device, and all its rates fit in it.
  const rates = new Map<string, string[]>();
  for (const [key, devices] of [
    ['rbps', io.throttleReadBpsDevice],
    ['wbps', io.throttleWriteBpsDevice],
    ['riops', io.throttleReadIOPSDevice],
    ['wiops', io.throttleWriteIOPSDevice],
  ] as const) {
    for (const { major, minor, rate } of devices ?? []) {
      const device = `${major}:${minor}`;
      rates.set(device, [...(rates.get(device) ?? []), `${key}=${rate === 0 ? 'max' : orMax(rate)}`]);
    }
  }
  for (const [device, values] of rates) {
    const hint = { ENODEV: `${device} is no whole block device here: see lsblk` };
    const why = `limit I/O of device ${device}: ${values.join(' ')}`;
    limits.push({ controller, file: 'io.max', value: `${device} ${values.join(' ')}`, why, hints: hint });
  }
  return limits;
}

/** runtime-spec, "Huge page limits": reservations where the kernel counts them, and use. */
function hugetlbLimits({ pageSize, limit }: HugepageLimit): Limit[] {
  const value = orMax(limit);
  const hints = { ENOENT: `this machine has no huge pages of ${pageSize}: see /sys/kernel/mm/hugepages` };
  const controller = 'hugetlb';
  const why = (what: string): string => limitOf(`${what} huge pages of ${pageSize}`, limit);
  return [
    { controller, file: `hugetlb.${pageSize}.rsvd.max`, value, why: why('reserved'), allow: ['ENOENT'] },
    { controller, file: `hugetlb.${pageSize}.max`, value, why: why('used'), hints },
  ];
}

export function rdmaLimit(device: string, { hcaHandles, hcaObjects }: RdmaResources): Limit[] {
  const values = [
    ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
    ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
  ].join(' ');
  const value = `${device} ${values}`;
  return values === '' ? [] : [{ controller: 'rdma', file: 'rdma.max', value, why: `limit RDMA: ${value}` }];
}

export function pidsLimit(limit: number): Limit {
  // No child can be born into a group whose limit is 0; 1 forbids the same forks, and runc writes it too.
  const value = limit < 0 ? 'max' : String(Math.max(limit, 1));
  const why = limit < 0 ? 'allow any number of tasks' : `limit tasks to ${value}`;
  return { controller: 'pids', file: 'pids.max', value, why };
}

/** A file such as io.max takes one line a write: the spec's example gives it two, with a newline between. */
function unifiedLimits(file: string, value: string): Limit[] {
  const prefix = file.slice(0, file.indexOf('.'));
  const controller = prefix === 'cgroup' ? undefined : prefix;
  const hints = { ENOENT: `this kernel has no ${file}: check the name in linux.resources.unified` };
  return value
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ controller, file, value: line, why: `set ${file} to ${line}`, hints }));
}

/**
 * The writes, in an order that the kernel accepts; `unified` comes last and so has the last word.
 *
 * What cgroup v2 cannot do is passed over here: `unsupported` of `refusals.ts` names it.
 */
export function compileLimits(resources: Resources): Limit[] {
  const { memory, cpu, blockIO, pids, hugepageLimits = [], rdma = {}, unified = {} } = resources;
  return [
    ...(memory === undefined ? [] : memoryLimits(memory)),
    ...(cpu === undefined ? [] : cpuLimits(cpu)),
    ...(blockIO === undefined ? [] : ioLimits(blockIO)),
    ...(pids?.limit === undefined ? [] : [pidsLimit(pids.limit)]),
    ...hugepageLimits.flatMap(hugetlbLimits),
    ...Object.entries(rdma).flatMap(([device, limits]) => rdmaLimit(device, limits)),
    ...Object.entries(unified).flatMap(([file, value]) => unifiedLimits(file, value)),
  ];
}
