import type { Limits, MountRequest, NamespaceChoice, RunRequest, Ulimit } from '../../../src/spec/request.ts';

/** The command line that asks for a request: the parser backwards. */
export function argvOf(request: RunRequest): string[] {
  const { image, args, limits = {}, namespaces = {} } = request;
  const flags: readonly (readonly [flag: string, values: readonly unknown[]])[] = [
    ['--tty', one(request.terminal)],
    ['--init', one(request.init)],
    ['--read-only', one(request.readOnly)],
    ['--privileged', one(request.privileged)],
    ['--env', request.env ?? []],
    ['--workdir', one(request.cwd)],
    ['--user', one(request.user)],
    ['--group-add', request.groupAdd ?? []],
    ['--umask', one(request.umask?.toString(8))],
    ['--entrypoint', one(request.entrypoint && JSON.stringify(request.entrypoint))],
    ['--upper', one(request.upper)],
    ...(request.mounts ?? []).map(mountFlag),
    ['--device', (request.devices ?? []).map((of) => `${of.source}:${of.target}:${of.permissions}`)],
    ...limitFlags(limits),
    ['--ulimit', (request.ulimits ?? []).map(ulimitValue)],
    ['--oom-score-adj', one(request.oomScoreAdj)],
    ['--cap-add', request.capAdd ?? []],
    ['--cap-drop', request.capDrop ?? []],
    ['--security-opt', securityOptions(request)],
    ['--network', namespaceValue(namespaces.network, 'none')],
    ['--pid', namespaceValue(namespaces.pid)],
    ['--ipc', namespaceValue(namespaces.ipc)],
    ['--uts', namespaceValue(namespaces.uts)],
    ['--cgroupns', namespaceValue(namespaces.cgroup)],
    ['--userns', namespaceValue(namespaces.user)],
    ['--uidmap', (request.uidMappings ?? []).map((map) => `${map.containerID}:${map.hostID}:${map.size}`)],
    ['--gidmap', (request.gidMappings ?? []).map((map) => `${map.containerID}:${map.hostID}:${map.size}`)],
    ['--time-offset', one(request.timeOffsets && pairs(request.timeOffsets).join(','))],
    ['--hostname', one(request.hostname)],
    ['--domainname', one(request.domainname)],
    ['--sysctl', pairs(request.sysctl)],
    ['--annotation', pairs(request.annotations)],
    ['--name', one(request.name)],
  ];
  const words = flags.flatMap(([flag, values]) => values.map((value) => `${flag}=${String(value)}`));
  return [...words, '--', image, ...(args ?? [])];
}

const one = (value: unknown): unknown[] => (value === undefined ? [] : [value]);

const pairs = (map: object = {}): string[] => Object.entries(map).map(([key, value]) => `${key}=${String(value)}`);

function mountFlag({ type, source, target, options }: MountRequest): readonly [string, unknown[]] {
  if (type === 'tmpfs') return ['--tmpfs', [`${target}:${options.join(',')}`]];
  return ['--volume', [`${source}:${target}:${options.join(',')}`]];
}

const limitFlags = (limits: Limits): [string, unknown[]][] => [
  ['--memory', one(limits.memory)],
  ['--memory-swap', one(limits.memorySwap)],
  ['--memory-reservation', one(limits.memoryReservation)],
  ['--cpus', one(limits.cpus)],
  ['--cpu-weight', one(limits.cpuWeight)],
  ['--cpuset-cpus', one(limits.cpusetCpus)],
  ['--cpuset-mems', one(limits.cpusetMems)],
  ['--pids-limit', one(limits.pids)],
  ['--io-weight', one(limits.ioWeight)],
  ['--cgroup-conf', pairs(limits.unified)],
];

const ulimitValue = ({ name, soft, hard }: Ulimit): string => `${name}=${soft}:${hard}`;

const securityOptions = ({ noNewPrivileges, seccomp, apparmor, selinux, systemPaths }: RunRequest): string[] => [
  ...one(noNewPrivileges).map((value) => `no-new-privileges=${String(value)}`),
  ...one(seccomp).map((value) => `seccomp=${String(value)}`),
  ...one(apparmor).map((value) => `apparmor=${String(value)}`),
  ...one(selinux).map((value) => `label=${String(value)}`),
  ...one(systemPaths).map((value) => `systempaths=${String(value)}`),
];

const namespaceValue = (choice: NamespaceChoice | undefined, own = 'private'): unknown[] => {
  if (typeof choice === 'object') return [`ns:${choice.path}`];
  return one(choice === 'new' ? own : choice);
};
