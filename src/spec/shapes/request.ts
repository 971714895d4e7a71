/** The shape of a request: a library's user may write JavaScript, and a misspelt name must not go unheard. */
import { problem } from '../problem.ts';
import type {
  DeviceRequest,
  Limits,
  MountRequest,
  NamespaceChoice,
  NamespaceKind,
  RunRequest,
  Ulimit,
} from '../request.ts';
import {
  absolutePath,
  closedObjectOf,
  described,
  flag,
  idList,
  integer,
  listOf,
  mapOf,
  matching,
  oneOf,
  path,
} from '../shape.ts';
import { required, text } from '../shape.ts';
import type { Shape } from '../shape.ts';
import { readSize, sizeForm } from '../size.ts';
import { idMaps } from './linux.ts';
import { variables } from './process.ts';
import { unified } from './resources.ts';

const size: Shape<number | string> = (value, at, report) => {
  if ((typeof value === 'number' || typeof value === 'string') && readSize(value) !== undefined) return value;
  report(problem(at, `must be ${sizeForm}, not ${described(value)}`));
  return undefined;
};

/** A size, or -1 for no limit. */
const sizeOrNone: Shape<number | string> = (value, at, report) =>
  value === -1 || value === '-1' ? value : size(value, at, report);

const weight = integer(1, 10_000);

const cpus: Shape<number> = (value, at, report) => {
  if (typeof value === 'number' && value >= 0.01 && value <= 65_536) return value;
  report(problem(at, `must be a number of CPUs from 0.01 on, not ${described(value)}`));
  return undefined;
};

const limits = closedObjectOf<Limits>({
  memory: size,
  memorySwap: sizeOrNone,
  memoryReservation: size,
  memoryHigh: size,
  cpus,
  cpuWeight: weight,
  cpuBurst: integer(0, 2 ** 53),
  cpuIdle: flag,
  cpusetCpus: idList,
  cpusetMems: idList,
  pids: integer(-1, 2 ** 31),
  ioWeight: weight,
  unified,
});

const ulimitValue: Shape<number | 'unlimited'> = (value, at, report) =>
  value === 'unlimited' ? value : integer(0, 2 ** 53)(value, at, report);

const clock = integer(-(2 ** 53), 2 ** 53);

const joined = closedObjectOf<{ path: string }>({ path: required(absolutePath) });

const choice: Shape<NamespaceChoice> = (value, at, report) => {
  if (value === 'new' || value === 'host') return value;
  if (typeof value === 'object') return joined(value, at, report);
  report(problem(at, `must be new, host or a path, not ${described(value)}`));
  return undefined;
};

const mount = closedObjectOf<MountRequest>({
  type: required(oneOf('a type of mount', ['bind', 'tmpfs', 'volume'])),
  source: absolutePath,
  target: required(matching(/^\/./, 'must be an absolute path below the root')),
  options: required(listOf(text)),
});

/** Everything that `RunRequest` has. */
export const runRequest = closedObjectOf<RunRequest>({
  image: required(path),
  args: listOf(text),
  entrypoint: listOf(text),
  name: matching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'must be made of letters, digits, _, . and -'),
  env: variables,
  cwd: absolutePath,
  user: path,
  groupAdd: listOf(path),
  umask: integer(0, 0o777),
  hostname: text,
  domainname: text,
  mounts: listOf(mount),
  devices: listOf(
    closedObjectOf<DeviceRequest>({
      source: required(absolutePath),
      target: required(absolutePath),
      permissions: required(matching(/^(?!.*(.).*\1)[rwm]+$/, 'must be made of r, w and m')),
    }),
  ),
  readOnly: flag,
  upper: path,
  limits,
  ulimits: listOf(
    closedObjectOf<Ulimit>({ name: required(text), soft: required(ulimitValue), hard: required(ulimitValue) }),
  ),
  oomScoreAdj: integer(-1000, 1000),
  namespaces: closedObjectOf<Partial<Record<NamespaceKind, NamespaceChoice>>>({
    pid: choice,
    network: choice,
    mount: choice,
    ipc: choice,
    uts: choice,
    user: choice,
    cgroup: choice,
    time: choice,
  }),
  uidMappings: idMaps,
  gidMappings: idMaps,
  timeOffsets: closedObjectOf<{ monotonic?: number; boottime?: number }>({ monotonic: clock, boottime: clock }),
  sysctl: mapOf(text),
  capAdd: listOf(text),
  capDrop: listOf(text),
  privileged: flag,
  noNewPrivileges: flag,
  seccomp: path,
  apparmor: path,
  selinux: path,
  systemPaths: oneOf('a choice', ['default', 'unconfined']),
  init: flag,
  terminal: flag,
  consoleSize: closedObjectOf<{ width: number; height: number }>({
    width: required(integer(0, 65535)),
    height: required(integer(0, 65535)),
  }),
  annotations: mapOf(text),
});
