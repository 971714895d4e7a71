/**
 * What the kernel tells about a process under /proc: parsers of text, and thin readers over them.
 *
 * The parsers are pure, so that files captured on other machines test them. The readers are synchronous: procfs is
 * memory, and a read of it never waits for a disk.
 */
import { readFileSync, readlinkSync } from 'node:fs';

/** The kind of reference to another mount that an optional field of mountinfo states. */
export interface Propagation {
  /** Peer group of a shared mount. */
  shared?: number;
  /** Peer group that a slave receives from. */
  master?: number;
  /** Nearest dominant peer group under the process's root. */
  propagateFrom?: number;
  unbindable?: true;
}

/** A line of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export interface MountEntry {
  id: number;
  parent: number;
  major: number;
  minor: number;
  /** The directory of the filesystem that is the root of this mount; `/` but for bind mounts and cgroups. */
  root: string;
  /** Relative to the root directory of the process. */
  mountPoint: string;
  /** Per mount: `rw`, `nosuid`, `relatime` … */
  options: readonly string[];
  propagation: Propagation;
  /** With its subtype, such as `fuse.sshfs`. */
  type: string;
  source: string;
  /** Per filesystem: for cgroup v1 the controllers are among them. */
  superOptions: readonly string[];
}

/** The octal escapes of proc_pid_mountinfo(5): space, tab, newline, backslash and, in the source, `#`. */
const unescape = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function parsePropagation(fields: readonly string[]): Propagation {
  const propagation: Propagation = {};
  for (const field of fields) {
    const [tag, group] = field.split(':');
    if (tag === 'shared') propagation.shared = Number(group);
    else if (tag === 'master') propagation.master = Number(group);
    else if (tag === 'propagate_from') propagation.propagateFrom = Number(group);
    else if (tag === 'unbindable') propagation.unbindable = true;
  }
  return propagation;
}

/** Lines that are cut short are left out: the kernel never writes one, a captured file may end in one. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    // A source may be empty and a root never is, so the separator is looked for after the six fixed fields.
    const dash = fields.indexOf('-', 6);
    const [id, parent, device, root, mountPoint, options] = fields;
    const [type, source, superOptions] = fields.slice(dash + 1);
    if (dash < 0 || mountPoint === undefined || type === undefined || superOptions === undefined) return [];
    const [major, minor] = (device ?? '').split(':').map(Number);
    return {
      id: Number(id),
      parent: Number(parent),
      major: major ?? 0,
      minor: minor ?? 0,
      root: unescape(root ?? ''),
      mountPoint: unescape(mountPoint),
      options: (options ?? '').split(','),
      propagation: parsePropagation(fields.slice(6, dash)),
      type: unescape(type),
      source: unescape(source ?? ''),
      superOptions: superOptions.split(',').map(unescape),
    };
  });
}

/** A line of /proc/PID/cgroup: cgroups(7). */
export interface CgroupMembership {
  /** 0 for cgroup v2. */
  hierarchy: number;
  /** Empty for cgroup v2; `name=systemd` stands for a v1 hierarchy without controllers. */
  controllers: readonly string[];
  /** From the root of the reader's cgroup namespace; `/../…` where it lies outside. */
  path: string;
  /** The group was removed while a zombie was left in it. */
  deleted: boolean;
}

/** /proc/PID/cgroup, a line for each hierarchy: cgroups(7). */
export function parseCgroupMembership(text: string): CgroupMembership[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(\d+):([^:]*):(.*?)( \(deleted\))?$/.exec(line);
    if (found === null) return [];
    const [, hierarchy, controllers = '', path = '', deleted] = found;
    return {
      hierarchy: Number(hierarchy),
      controllers: controllers === '' ? [] : controllers.split(','),
      path,
      deleted: deleted !== undefined,
    };
  });
}

/** The ids of a process: real, effective, saved and filesystem. */
export interface ProcessIds {
  real: number;
  effective: number;
  saved: number;
  filesystem: number;
}

/** The capability sets as bit masks: bit n is capability n of capabilities(7). */
export interface CapabilityMasks {
  inheritable: bigint;
  permitted: bigint;
  effective: bigint;
  bounding: bigint;
  ambient: bigint;
}

/** What proc_pid_status(5) says and containers change. */
export interface ProcessStatus {
  name: string;
  /** `R`, `S`, `Z` … */
  state: string;
  pid: number;
  parentPid: number;
  tracerPid: number;
  umask: number | undefined;
  uid: ProcessIds;
  gid: ProcessIds;
  groups: readonly number[];
  /** The pid in each pid namespace, from the reader's inwards. */
  namespacedPids: readonly number[];
  capabilities: CapabilityMasks;
  noNewPrivileges: boolean;
  /** Undefined on a kernel without seccomp. */
  seccomp: 'disabled' | 'strict' | 'filter' | undefined;
  seccompFilters: number | undefined;
  threads: number;
  /** Resident set; zombies and kernel threads have none. */
  residentBytes: number | undefined;
  cpus: string | undefined;
  memoryNodes: string | undefined;
}

const seccompModes = ['disabled', 'strict', 'filter'] as const;

/** /proc/PID/status: proc(5). Memory in bytes. */
export function parseStatus(text: string): ProcessStatus {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  const optional = (name: string): number | undefined => (fields.has(name) ? Number(field(name)) : undefined);
  const numbers = (name: string): number[] => (field(name).match(/\d+/g) ?? []).map(Number);
  const ids = (name: string): ProcessIds => {
    const [real = -1, effective = -1, saved = -1, filesystem = -1] = numbers(name);
    return { real, effective, saved, filesystem };
  };
  const mask = (name: string): bigint => BigInt(`0x${field(name) || '0'}`);
  const umask = field('Umask');
  const seccomp = optional('Seccomp');
  const [residentKibibytes] = numbers('VmRSS');
  return {
    name: field('Name'),
    state: field('State').charAt(0),
    pid: Number(field('Pid')),
    parentPid: Number(field('PPid')),
    tracerPid: Number(field('TracerPid')),
    umask: umask === '' ? undefined : Number.parseInt(umask, 8),
    uid: ids('Uid'),
    gid: ids('Gid'),
    groups: numbers('Groups'),
    namespacedPids: numbers('NStgid'),
    capabilities: {
      inheritable: mask('CapInh'),
      permitted: mask('CapPrm'),
      effective: mask('CapEff'),
      bounding: mask('CapBnd'),
      ambient: mask('CapAmb'),
    },
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: seccomp === undefined ? undefined : seccompModes[seccomp],
    seccompFilters: optional('Seccomp_filters'),
    threads: Number(field('Threads')),
    residentBytes: residentKibibytes === undefined ? undefined : residentKibibytes * 1024,
    cpus: fields.get('Cpus_allowed_list'),
    memoryNodes: fields.get('Mems_allowed_list'),
  };
}

/** A line of /proc/PID/uid_map or gid_map, by the runtime-spec's names: user_namespaces(7). */
export interface IdMapEntry {
  containerID: number;
  /** As seen from the reader's user namespace. */
  hostID: number;
  size: number;
}

/** /proc/PID/uid_map or gid_map: user_namespaces(7). */
export function parseIdMap(text: string): IdMapEntry[] {
  return text.split('\n').flatMap((line) => {
    const [containerID, hostID, size] = (line.match(/\d+/g) ?? []).map(Number);
    if (containerID === undefined || hostID === undefined || size === undefined) return [];
    return { containerID, hostID, size };
  });
}

/** The entries of /proc/PID/ns: namespaces(7). */
export const namespaceLinks = [
  'cgroup',
  'ipc',
  'mnt',
  'net',
  'pid',
  'pid_for_children',
  'time',
  'time_for_children',
  'user',
  'uts',
] as const;
/** A file of /proc/PID/ns: namespaces(7). */
export type NamespaceLink = (typeof namespaceLinks)[number];

/** `mnt:[4026531832]` → 4026531832: two processes are in the same namespace where the inode is the same. */
export function parseNamespaceInode(link: string): number | undefined {
  const found = /^\w+:\[(\d+)\]$/.exec(link);
  return found === null ? undefined : Number(found[1]);
}

/** A process by its id, or the one that asks. */
export type ProcessRef = number | 'self';

const read = (pid: ProcessRef, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** The readers throw node's own error (ENOENT, ESRCH) where the process is gone. */
export const readMountinfo = (pid: ProcessRef = 'self'): MountEntry[] => parseMountinfo(read(pid, 'mountinfo'));
export const readCgroupMembership = (pid: ProcessRef = 'self'): CgroupMembership[] =>
  parseCgroupMembership(read(pid, 'cgroup'));
export const readStatus = (pid: ProcessRef = 'self'): ProcessStatus => parseStatus(read(pid, 'status'));
export const readIdMap = (pid: ProcessRef, of: 'uid' | 'gid'): IdMapEntry[] => parseIdMap(read(pid, `${of}_map`));

/** The inode of each namespace; a kind that this kernel lacks is left out, one that may not be seen throws EACCES. */
export function readNamespaces(pid: ProcessRef = 'self'): Partial<Record<NamespaceLink, number>> {
  const found: Partial<Record<NamespaceLink, number>> = {};
  for (const link of namespaceLinks) {
    try {
      const inode = parseNamespaceInode(readlinkSync(`/proc/${pid}/ns/${link}`));
      if (inode !== undefined) found[link] = inode;
    } catch (error) {
      // pid_for_children reads as ENOENT too, until the first process of a new pid namespace exists.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}
