/**
 * `linux.resources` as writes to cgroup v1 files, for hosts where v1 holds the controller: pure. The runtime-spec speaks
 * v1, so its numbers are written as they are: Documentation/admin-guide/cgroup-v1/.
 */
import type { Errno } from '../linux/abi.ts';
import type {
  BlockIoResources,
  CpuResources,
  HugepageLimit,
  MemoryResources,
  NetworkResources,
  Resources,
  ThrottleDevice,
} from '../spec/resources.ts';
import { type CgroupWrite, type Limit, limitOf, pidsLimit, rdmaLimit, set } from './limits.ts';

/** A write whose controller is v1's. */
interface V1Limit extends CgroupWrite {
  controller: string;
}

const limit = (
  controller: string,
  file: string,
  value: number | string,
  why: string,
  hints?: V1Limit['hints'],
): V1Limit => ({
  controller,
  file: `${controller}.${file}`,
  value: String(value),
  why,
  ...(hints === undefined ? {} : { hints }),
});

/** -1 takes a limit away, and so does what no machine has. */
const orNone = (value: number): number => (value < 0 || value >= 2 ** 63 ? -1 : value);

const busy = { EBUSY: 'more is used than that, and cannot be freed' };

function memoryLimits(memory: MemoryResources): V1Limit[] {
  const { limit: most, reservation, kernelTCP, swappiness, disableOOMKiller } = memory;
  // Who uses memory without limit uses swap so too, unless it is said otherwise: as runc has it.
  const both = memory.swap ?? (most === -1 ? -1 : undefined);
  const swapHints = {
    ENOENT: 'this kernel has no swap accounting: boot with swapaccount=1, or leave swap out',
    EINVAL: 'memory plus swap cannot be less than memory',
    ...busy,
  };
  const bytes = (file: string, value: number | undefined, what: string, hints: V1Limit['hints']): V1Limit[] =>
    set(value) ? [limit('memory', file, orNone(value), limitOf(what, value), hints)] : [];
  return [
    ...bytes('limit_in_bytes', most, 'memory', busy),
    ...bytes('memsw.limit_in_bytes', both, 'memory plus swap', swapHints),
    ...bytes('soft_limit_in_bytes', reservation, 'memory when it is short', {}),
    ...bytes('kmem.tcp.limit_in_bytes', kernelTCP, 'memory of TCP', busy),
    ...(swappiness === undefined ? [] : [limit('memory', 'swappiness', swappiness, `swap at ${swappiness} of 100`)]),
    ...(disableOOMKiller === true
      ? [limit('memory', 'oom_control', 1, 'stop who runs out of memory, instead of a kill')]
      : []),
  ];
}

function cpuLimits({ shares, quota, period, burst, idle, realtimeRuntime, realtimePeriod }: CpuResources): V1Limit[] {
  const real = { EINVAL: 'the groups above give no real-time that could be divided: see their cpu.rt_runtime_us' };
  const time = (file: string, value: number | undefined, why: string, hints?: V1Limit['hints']): V1Limit[] =>
    set(value) ? [limit('cpu', file, value, why, hints)] : [];
  return [
    ...(idle === 1 ? [] : time('shares', shares, `give the CPU ${shares} shares`)),
    ...time('cfs_period_us', period, `count CPU time by ${period} µs`),
    ...time(
      'cfs_quota_us',
      quota,
      (quota ?? 0) < 0 ? 'use CPU time without limit' : `limit CPU time to ${quota} µs of each period`,
    ),
    ...(burst === undefined ? [] : [limit('cpu', 'cfs_burst_us', burst, `let unused CPU time add up to ${burst} µs`)]),
    ...time('rt_period_us', realtimePeriod, `count real-time by ${realtimePeriod} µs`, real),
    ...time('rt_runtime_us', realtimeRuntime, `allow ${realtimeRuntime} µs of real-time`, real),
    ...(idle === undefined
      ? []
      : [limit('cpu', 'idle', idle, idle === 1 ? 'run only when nobody else wants the CPU' : 'run as usual')]),
  ];
}

function cpusetLimits({ cpus = '', mems = '' }: CpuResources): V1Limit[] {
  const hints = { EACCES: 'the group above has not all of them', ERANGE: 'there are no such' };
  return [
    ...(cpus === '' ? [] : [limit('cpuset', 'cpus', cpus, `run on CPUs ${cpus}`, hints)]),
    ...(mems === '' ? [] : [limit('cpuset', 'mems', mems, `use memory nodes ${mems}`, hints)]),
  ];
}

/** Of weights the kernel has kept those of the scheduler bfq. */
function blkioLimits(io: BlockIoResources): V1Limit[] {
  const noBfq = { ENOENT: 'this kernel has no I/O scheduler that knows weights (CONFIG_BFQ_GROUP_IOSCHED)' };
  const rates = (file: string, devices: readonly ThrottleDevice[] = []): V1Limit[] =>
    devices.map(({ major, minor, rate }) => {
      const value = `${major}:${minor} ${orNone(rate) === -1 ? 0 : rate}`;
      const hints = { ENODEV: `${major}:${minor} is no whole block device here: see lsblk` };
      return limit('blkio', `throttle.${file}`, value, `limit I/O of device ${major}:${minor}: ${file} ${rate}`, hints);
    });
  return [
    ...(set(io.weight)
      ? [limit('blkio', 'bfq.weight', io.weight, `give block I/O the weight ${io.weight}`, noBfq)]
      : []),
    ...(io.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      set(weight)
        ? [
            limit(
              ...(['blkio', 'bfq.weight_device', `${major}:${minor} ${weight}`] as const),
              `give I/O of device ${major}:${minor} the weight ${weight}`,
              noBfq,
            ),
          ]
        : [],
    ),
    ...rates('read_bps_device', io.throttleReadBpsDevice),
    ...rates('write_bps_device', io.throttleWriteBpsDevice),
    ...rates('read_iops_device', io.throttleReadIOPSDevice),
    ...rates('write_iops_device', io.throttleWriteIOPSDevice),
  ];
}

function hugetlbLimits({ pageSize, limit: most }: HugepageLimit): V1Limit[] {
  const value = orNone(most);
  const none = { ENOENT: `this machine has no huge pages of ${pageSize}: see /sys/kernel/mm/hugepages` };
  const why = (what: string): string => limitOf(`${what} huge pages of ${pageSize}`, most);
  return [
    { ...limit('hugetlb', `${pageSize}.rsvd.limit_in_bytes`, value, why('reserved')), allow: ['ENOENT'] },
    limit('hugetlb', `${pageSize}.limit_in_bytes`, value, why('used'), none),
  ];
}

function networkLimits({ classID, priorities = [] }: NetworkResources): V1Limit[] {
  return [
    ...(set(classID) ? [limit('net_cls', 'classid', classID, `mark packets with the class ${classID}`)] : []),
    ...priorities.map(({ name, priority }) =>
      limit('net_prio', 'ifpriomap', `${name} ${priority}`, `give packets by ${name} the priority ${priority}`),
    ),
  ];
}

const ofV1 = ({ controller, ...write }: Limit): V1Limit[] =>
  controller === undefined ? [] : [{ ...write, controller }];

/**
 * The writes for a new group, in an order that the kernel accepts. What no kernel of our time has, by either version, is
 * passed over: `refusals.ts` names it.
 */
export function compileV1Limits(resources: Resources): V1Limit[] {
  const { memory = {}, cpu = {}, blockIO = {}, pids, hugepageLimits = [], network = {}, rdma = {} } = resources;
  return [
    ...memoryLimits(memory),
    ...cpuLimits(cpu),
    ...cpusetLimits(cpu),
    ...blkioLimits(blockIO),
    ...(pids?.limit === undefined ? [] : ofV1(pidsLimit(pids.limit))),
    ...hugepageLimits.flatMap(hugetlbLimits),
    ...networkLimits(network),
    ...Object.entries(rdma).flatMap(([device, limits]) => rdmaLimit(device, limits).flatMap(ofV1)),
  ];
}

/**
 * The same for a group that has limits already. Memory and memory plus swap, quota and period bound each other: which has to
 * be written first depends on what is there. So all are written twice, and what is refused at first must be taken then.
 */
export function compileV1Changes(resources: Resources): V1Limit[] {
  const writes = compileV1Limits(resources);
  const bound = writes.filter(({ file }) => /limit_in_bytes$|cfs_|rt_/.test(file));
  const early: readonly Errno[] = ['EINVAL', 'ENOENT'];
  return bound.length < 2 ? writes : [...bound.map((write) => ({ ...write, allow: early })), ...writes];
}
