/**
 * `linux.resources` of the OCI runtime-spec 1.3 (config-linux.md, "Control groups"): what the cgroup of a container
 * limits. Bytes and microseconds throughout; -1 where the spec says so for "no limit".
 */

/** "Allowed Device list": applied in order, the last rule that matches decides. */
export interface DeviceRule {
  allow: boolean;
  /** `a` (all), `c` or `b`; absent means all. */
  type?: 'a' | 'c' | 'b';
  /** Absent means every major number. */
  major?: number;
  /** Absent means every minor number. */
  minor?: number;
  /** A composition of `r`, `w` and `m`; absent means all three. */
  access?: string;
}

/** "Memory": bytes, -1 for no limit. */
export interface MemoryResources {
  limit?: number;
  /** A soft limit: cgroup v2 `memory.low`. */
  reservation?: number;
  /** Memory *plus* swap; cgroup v2 counts swap alone, so `memory.swap.max` is `swap - limit`. */
  swap?: number;
  /** cgroup v1 only and deprecated. */
  kernel?: number;
  /** cgroup v1 only and deprecated. */
  kernelTCP?: number;
  /** 0 to 100, cgroup v1 only. */
  swappiness?: number;
  /** cgroup v1 only. */
  disableOOMKiller?: boolean;
  /** cgroup v1 only. */
  useHierarchy?: boolean;
  /** Refuse a new limit below the present usage instead of calling the OOM killer. */
  checkBeforeUpdate?: boolean;
}

/** "CPU": times in microseconds. */
export interface CpuResources {
  /** 2 to 262144, as cgroup v1 counts it; cgroup v2 `cpu.weight` runs from 1 to 10000. */
  shares?: number;
  /** Time per `period`; -1 for no limit. */
  quota?: number;
  /** At most a positive `quota`. */
  burst?: number;
  period?: number;
  /** cgroup v1 only. */
  realtimeRuntime?: number;
  /** cgroup v1 only. */
  realtimePeriod?: number;
  /** A list such as `0-2,7`. */
  cpus?: string;
  /** A list of memory nodes such as `0`. */
  mems?: string;
  /** 1 runs the group with SCHED_IDLE, 0 as usual. */
  idle?: number;
}

/** "PIDs". */
export interface PidsResources {
  /** Tasks: -1 for no limit, absent to leave it alone. Before 1.3 it was required, and 0 meant no limit. */
  limit?: number;
}

interface BlockDevice {
  major: number;
  minor: number;
}

/** A weight for one device, in the range of `BlockIoResources.weight`. */
export interface WeightDevice extends BlockDevice {
  weight?: number;
  leafWeight?: number;
}

/** A rate limit for one device. */
export interface ThrottleDevice extends BlockDevice {
  /** Bytes or operations per second. */
  rate: number;
}

/** "Block IO". */
export interface BlockIoResources {
  /** 10 to 1000, as cgroup v1 counts it; cgroup v2 `io.weight` runs from 1 to 10000. */
  weight?: number;
  /** cgroup v1 only. */
  leafWeight?: number;
  weightDevice?: WeightDevice[];
  throttleReadBpsDevice?: ThrottleDevice[];
  throttleWriteBpsDevice?: ThrottleDevice[];
  throttleReadIOPSDevice?: ThrottleDevice[];
  throttleWriteIOPSDevice?: ThrottleDevice[];
}

/** "Huge page limits". */
export interface HugepageLimit {
  /** `<size><unit>B` such as `2MB`; 1 KB is 1024 bytes. */
  pageSize: string;
  /** Bytes. */
  limit: number;
}

/** "Network": the cgroup v1 controllers net_cls and net_prio. */
export interface NetworkResources {
  classID?: number;
  priorities?: { name: string; priority: number }[];
}

/** "RDMA", by device name; at least one of the two. */
export interface RdmaResources {
  hcaHandles?: number;
  hcaObjects?: number;
}

/** "Control groups". */
export interface Resources {
  devices?: DeviceRule[];
  memory?: MemoryResources;
  cpu?: CpuResources;
  pids?: PidsResources;
  blockIO?: BlockIoResources;
  hugepageLimits?: HugepageLimit[];
  network?: NetworkResources;
  rdma?: Record<string, RdmaResources>;
  /** "Unified": cgroup v2 files and what to write to them, such as `{"memory.high": "32M"}`. */
  unified?: Record<string, string>;
}
