import type { IdMap } from '../request.ts';
import { absolutePath, bitList, flag, int64, integer, listOf, mapOf, matching, objectOf, oneOf } from '../shape.ts';
import { required, text, uint32 } from '../shape.ts';
import type { Device, IntelRdt, Linux, MemoryPolicy, Namespace, TimeOffset } from '../spec.ts';
import { major, minor, resources } from './resources.ts';
import { seccomp } from './seccomp.ts';

const namespace = objectOf<Namespace>({
  type: required(oneOf('a kind of namespace', ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'])),
  path: absolutePath,
});

export const idMaps = listOf(
  objectOf<IdMap>({
    containerID: required(uint32),
    hostID: required(uint32),
    size: required(integer(1, 2 ** 32 - 1)),
  }),
);

const device = objectOf<Device>({
  type: required(oneOf('a type of device', ['c', 'b', 'u', 'p'])),
  path: required(absolutePath),
  major,
  minor,
  fileMode: integer(0, 0o777),
  uid: uint32,
  gid: uint32,
});

const timeOffset = objectOf<TimeOffset>({ secs: int64, nanosecs: integer(0, 999_999_999) });

const noSuchClock = 'has no offset of its own: time_namespaces(7) shifts monotonic and boottime';

const intelRdt = objectOf<IntelRdt>({
  closID: matching(/^[^/]*$/, 'must be the name of a directory'),
  schemata: listOf(matching(/^[^\n]*$/, 'must be a line')),
  l3CacheSchema: text,
  memBwSchema: matching(/^MB:[^\n]*$/, 'must be a line that begins with MB:'),
  enableMonitoring: flag,
  enableCMT: flag,
  enableMBM: flag,
});

const memoryPolicy = objectOf<MemoryPolicy>({
  mode: required(
    oneOf('a mode of set_mempolicy(2)', [
      'MPOL_DEFAULT',
      'MPOL_BIND',
      'MPOL_INTERLEAVE',
      'MPOL_WEIGHTED_INTERLEAVE',
      'MPOL_PREFERRED',
      'MPOL_PREFERRED_MANY',
      'MPOL_LOCAL',
    ]),
  ),
  // MAX_NUMNODES of the kernel, at the most.
  nodes: bitList(1024),
  flags: listOf(
    oneOf('a flag of set_mempolicy(2)', ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES']),
  ),
});

export const linux = objectOf<Linux>({
  namespaces: listOf(namespace),
  uidMappings: idMaps,
  gidMappings: idMaps,
  timeOffsets: objectOf<{ monotonic?: TimeOffset; boottime?: TimeOffset }>(
    { monotonic: timeOffset, boottime: timeOffset },
    { realtime: noSuchClock, tai: noSuchClock },
  ),
  devices: listOf(device),
  netDevices: mapOf(objectOf<{ name?: string }>({ name: text })),
  cgroupsPath: text,
  resources,
  rootfsPropagation: oneOf('a propagation', ['shared', 'slave', 'private', 'unbindable']),
  seccomp,
  sysctl: mapOf(text),
  maskedPaths: listOf(absolutePath),
  readonlyPaths: listOf(absolutePath),
  mountLabel: text,
  personality: objectOf<{ domain: 'LINUX' | 'LINUX32'; flags?: string[] }>({
    domain: required(oneOf('a domain of personality(2)', ['LINUX', 'LINUX32'])),
    flags: listOf(text),
  }),
  intelRdt,
  memoryPolicy,
});
