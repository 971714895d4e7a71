/** What a call has changed about a process, as a debugger shows it between two stops. Pure. */
import type {
  CapabilityMasks,
  CgroupMembership,
  MountEntry,
  NamespaceLink,
  ProcessIds,
  ProcessStatus,
  Propagation,
} from '../linux/proc.ts';
import { capabilityNames } from '../spec/capability-names.ts';

/** A process at a stop, as the readers of linux/proc.ts see it from the host. */
export interface Snapshot {
  /** `readNamespaces` */
  readonly namespaces: Partial<Record<NamespaceLink, number>>;
  /** `readMountinfo` */
  readonly mounts: readonly MountEntry[];
  /** `readStatus` */
  readonly status: ProcessStatus;
  /** `readCgroupMembership` */
  readonly cgroups: readonly CgroupMembership[];
  /** By number, what /proc/PID/fd links to. */
  readonly fds?: Readonly<Record<number, string>>;
  /** What /proc/PID/root and cwd link to. */
  readonly root?: string;
  readonly cwd?: string;
}

/** One line for each thing that is different; none if nothing is. */
export function describeChange(before: Snapshot, after: Snapshot): string[] {
  return [
    ...namespaceChanges(before, after),
    ...mountChanges(before, after),
    ...cgroupChanges(before.cgroups, after.cgroups),
    ...changed('root directory', before.root, after.root),
    ...changed('working directory', before.cwd, after.cwd),
    ...statusChanges(before.status, after.status),
    ...fdChanges(before.fds ?? {}, after.fds ?? {}),
  ];
}

const linkNames: Record<NamespaceLink, string> = {
  cgroup: 'cgroup namespace',
  ipc: 'ipc namespace',
  mnt: 'mount namespace',
  net: 'network namespace',
  pid: 'pid namespace',
  pid_for_children: 'pid namespace of its children',
  time: 'time namespace',
  time_for_children: 'time namespace of its children',
  user: 'user namespace',
  uts: 'uts namespace',
};

function namespaceChanges(before: Snapshot, after: Snapshot): string[] {
  return Object.entries(linkNames).flatMap(([link, name]) =>
    changed(name, before.namespaces[link as NamespaceLink], after.namespaces[link as NamespaceLink]),
  );
}

/** More lines of a kind say no more. */
const most = 4;

function mountChanges(before: Snapshot, after: Snapshot): string[] {
  // Every mount of another namespace has another id: none can be told to be the same.
  if (before.namespaces.mnt !== after.namespaces.mnt) return [`mount table: another one, of ${after.mounts.length}`];
  const old = new Map(before.mounts.map((mount) => [mount.id, mount]));
  const kept = new Set(after.mounts.map(({ id }) => id));
  const pairs = after.mounts.flatMap((now) => {
    const then = old.get(now.id);
    return then === undefined ? [] : [[then, now] as const];
  });
  return [
    ...atMost(after.mounts.filter(({ id }) => !old.has(id)).map(mounted)),
    ...atMost(before.mounts.filter(({ id }) => !kept.has(id)).map(({ mountPoint }) => `unmounted ${mountPoint}`)),
    ...atMost(pairs.flatMap(([then, now]) => changed('mount point', then.mountPoint, now.mountPoint))),
    ...atMost(pairs.flatMap(([then, now]) => changed(`options of ${now.mountPoint}`, options(then), options(now)))),
    ...atMost(
      pairs.flatMap(([then, now]) =>
        changed(`propagation of ${now.mountPoint}`, propagation(then.propagation), propagation(now.propagation)),
      ),
    ),
  ];
}

const options = ({ options }: MountEntry): string => options.join(',');

const mounted = (mount: MountEntry): string =>
  `mounted ${mount.type}${mount.root === '/' ? '' : ` ${mount.root}`} on ${mount.mountPoint}: ${options(mount)}`;

function propagation({ shared, master, unbindable }: Propagation): string {
  const kinds = [
    ...(shared === undefined ? [] : [`shared with group ${shared}`]),
    ...(master === undefined ? [] : [`slave of group ${master}`]),
    ...(unbindable === true ? ['unbindable'] : []),
  ];
  return kinds.length === 0 ? 'private' : kinds.join(', ');
}

function cgroupChanges(before: readonly CgroupMembership[], after: readonly CgroupMembership[]): string[] {
  const name = ({ controllers }: CgroupMembership) =>
    controllers.length === 0 ? 'cgroup' : `cgroup of ${controllers.join(', ')}`;
  return after.flatMap((now) =>
    changed(name(now), before.find(({ hierarchy }) => hierarchy === now.hierarchy)?.path, now.path),
  );
}

function statusChanges(before: ProcessStatus, after: ProcessStatus): string[] {
  return [
    ...changed('name', before.name, after.name),
    ...changed('pid', before.namespacedPids.join(' '), after.namespacedPids.join(' ')),
    ...changed('parent', before.parentPid, after.parentPid),
    ...changed('user', ids(before.uid), ids(after.uid)),
    ...changed('group', ids(before.gid), ids(after.gid)),
    ...changed('groups', before.groups.join(' ') || 'none', after.groups.join(' ') || 'none'),
    ...changed('umask', octal(before.umask), octal(after.umask)),
    ...sets.flatMap((set) => capabilityChanges(set, before.capabilities[set], after.capabilities[set])),
    ...changed('no-new-privileges', onOff(before.noNewPrivileges), onOff(after.noNewPrivileges)),
    ...changed('seccomp', before.seccomp, after.seccomp),
    ...changed('seccomp filters', before.seccompFilters, after.seccompFilters),
    ...changed('cpus', before.cpus, after.cpus),
    ...changed('memory nodes', before.memoryNodes, after.memoryNodes),
  ];
}

const octal = (mode: number | undefined): string | undefined =>
  mode === undefined ? undefined : `0${mode.toString(8).padStart(3, '0')}`;
const onOff = (value: boolean): string => (value ? 'on' : 'off');

/** One number if all four are the same, as they mostly are. */
function ids({ real, effective, saved, filesystem }: ProcessIds): string {
  const same = [effective, saved, filesystem].every((id) => id === real);
  return same ? String(real) : `${real} (effective ${effective}, saved ${saved}, filesystem ${filesystem})`;
}

const sets: readonly (keyof CapabilityMasks)[] = ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'];

function capabilityChanges(set: string, before: bigint, after: bigint): string[] {
  const lost = capabilities(before & ~after);
  const gained = capabilities(after & ~before);
  return [
    ...(lost.length === 0 ? [] : [`${set} capabilities: without ${enumerate(lost)}`]),
    ...(gained.length === 0 ? [] : [`${set} capabilities: with ${enumerate(gained)}`]),
  ];
}

function capabilities(mask: bigint): string[] {
  const bits = [...mask.toString(2)].reverse();
  return bits.flatMap((bit, number) => (bit === '1' ? [capabilityNames[number] ?? String(number)] : []));
}

function fdChanges(before: Readonly<Record<number, string>>, after: Readonly<Record<number, string>>): string[] {
  const open = Object.entries(after);
  return [
    ...atMost(open.filter(([fd]) => !(fd in before)).map(([fd, file]) => `opened ${fd}: ${file}`)),
    ...atMost(
      Object.entries(before)
        .filter(([fd]) => !(fd in after))
        .map(([fd, file]) => `closed ${fd}: ${file}`),
    ),
    ...atMost(
      open.filter(([fd]) => fd in before).flatMap(([fd, file]) => changed(`file ${fd}`, before[Number(fd)], file)),
    ),
  ];
}

/** A line if they differ. */
function changed<Value extends string | number>(
  what: string,
  before: Value | undefined,
  after: Value | undefined,
): string[] {
  return before === after ? [] : [`${what}: ${before ?? 'none'} → ${after ?? 'none'}`];
}

const atMost = (lines: readonly string[]): string[] =>
  lines.length <= most ? [...lines] : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more like it`];

const enumerate = (names: readonly string[]): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
