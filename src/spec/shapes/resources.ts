import type {
  BlockIoResources,
  CpuResources,
  DeviceRule,
  HugepageLimit,
  MemoryResources,
  NetworkResources,
  PidsResources,
  RdmaResources,
  Resources,
  ThrottleDevice,
  WeightDevice,
} from '../resources.ts';
import { flag, idList, int64, integer, listOf, mapOf, matching, objectOf, oneOf, required, text } from '../shape.ts';
import { uint32, uint64 } from '../shape.ts';

/** The kernel packs a device number into 12 and 20 bits (makedev(3)). */
export const major = integer(0, 2 ** 12 - 1);
export const minor = integer(0, 2 ** 20 - 1);

/** Bytes; -1 for no limit. */
const limit = integer(-1, 2 ** 63);
/** As cgroup v1 counts it; 0 leaves it alone. */
const ioWeight = integer(0, 1000);
/** Microseconds; 0 leaves it alone. */
const period = integer(0, 1_000_000);

const deviceRule = objectOf<DeviceRule>({
  allow: required(flag),
  type: oneOf('a type of device', ['a', 'c', 'b']),
  major: integer(-1, 2 ** 32 - 1),
  minor: integer(-1, 2 ** 32 - 1),
  access: matching(/^(?!.*(.).*\1)[rwm]*$/, 'must be made of r, w and m'),
});

const memory = objectOf<MemoryResources>({
  limit,
  reservation: limit,
  swap: limit,
  kernel: limit,
  kernelTCP: limit,
  swappiness: integer(0, 100),
  disableOOMKiller: flag,
  useHierarchy: flag,
  checkBeforeUpdate: flag,
});

const cpu = objectOf<CpuResources>({
  shares: integer(0, 262_144),
  quota: int64,
  burst: uint64,
  period,
  realtimeRuntime: int64,
  realtimePeriod: uint64,
  cpus: idList,
  mems: idList,
  idle: integer(0, 1),
});

const pids = objectOf<PidsResources>({ limit: integer(-1, 2 ** 63) });

const weightDevice = objectOf<WeightDevice>({
  major: required(major),
  minor: required(minor),
  weight: ioWeight,
  leafWeight: ioWeight,
});

const throttleDevices = listOf(
  objectOf<ThrottleDevice>({ major: required(major), minor: required(minor), rate: required(uint64) }),
);

const blockIO = objectOf<BlockIoResources>({
  weight: ioWeight,
  leafWeight: ioWeight,
  weightDevice: listOf(weightDevice),
  throttleReadBpsDevice: throttleDevices,
  throttleWriteBpsDevice: throttleDevices,
  throttleReadIOPSDevice: throttleDevices,
  throttleWriteIOPSDevice: throttleDevices,
});

const hugepageLimit = objectOf<HugepageLimit>({
  pageSize: required(matching(/^[1-9][0-9]*[KMG]B$/, 'must be a size such as 64KB, 2MB or 1GB')),
  limit: required(uint64),
});

const network = objectOf<NetworkResources>({
  classID: uint32,
  priorities: listOf(
    objectOf<{ name: string; priority: number }>({ name: required(text), priority: required(uint32) }),
  ),
});

const rdma = objectOf<RdmaResources>({ hcaHandles: uint32, hcaObjects: uint32 });

/** `controller.file`, as cgroup v2 names its files: no slash leads out of the cgroup. */
export const unified = mapOf(text, {
  form: /^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/,
  must: 'must be the name of a cgroup v2 file such as memory.high',
});

export const resources = objectOf<Resources>({
  devices: listOf(deviceRule),
  memory,
  cpu,
  pids,
  blockIO,
  hugepageLimits: listOf(hugepageLimit),
  network,
  rdma: mapOf(rdma),
  unified,
});
