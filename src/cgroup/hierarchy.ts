/**
 * Where cgroup v2 is, what it can limit, and where our groups may be made: cgroups(7). What v1 holds is limited there, in
 * groups of the same names.
 *
 *     <mount>                     unified: /sys/fs/cgroup; beside v1 controllers: /sys/fs/cgroup/unified
 *       …/<delegated>             the group that is ours to divide: the mount itself for root
 *           tare/                 the parent of all our groups
 *             <id>/               a container
 *
 * A controller is either v1's or v2's, for the whole machine, and reaches a group only where every group above it,
 * from the root on, lists it in `cgroup.subtree_control`.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path/posix';
import { type CgroupMembership, type MountEntry, readCgroupMembership, readMountinfo } from '../linux/proc.ts';

export interface CgroupMount {
  mountPoint: string;
  /** The group that the mount shows as its root; `/` but for bind mounts and other cgroup namespaces. */
  root: string;
  readOnly: boolean;
}

export interface Hierarchies {
  unified: CgroupMount | undefined;
  /** Mount point of each controller that cgroup v1 has taken, by v1's name (`blkio`, where v2 says `io`). */
  v1: Readonly<Record<string, string>>;
}

/** What is known of cgroups on this host: facts, probed once. */
export interface CgroupHost {
  /** The cgroup v2 mount; undefined where there is none. */
  mount: string | undefined;
  v1: Readonly<Record<string, string>>;
  /** Those of `v1` that groups of ours can have: they may be made in its mount. */
  v1Grantable: readonly string[];
  /** The v2 controllers of this machine, or as many of them as our cgroup namespace is shown. */
  controllers: readonly string[];
  /** Our own group, where the mount shows it. */
  own: string | undefined;
  /** The highest group that we may divide; undefined where there is none. */
  delegated: string | undefined;
  /** Those of `controllers` that groups under `delegated` can have. */
  grantable: readonly string[];
  /** Groups of containers are made in this directory, which may not exist yet. */
  parent: string | undefined;
  /** Processes live in `delegated` itself, so it cannot pass on further controllers ("no internal processes"). */
  inhabited: boolean;
  /** Groups get all controllers that can be had, since somebody will look at what they have used. */
  counts?: boolean;
}

/** What the pure part asks of a file system. */
export interface CgroupFiles {
  /** The text of a file, undefined where it cannot be read. */
  read(file: string): string | undefined;
  writable(file: string): boolean;
}

const usual = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

export function findHierarchies(mounts: readonly MountEntry[]): Hierarchies {
  const v1: Record<string, string> = {};
  const v2: CgroupMount[] = [];
  for (const { type, mountPoint, root, options, superOptions } of mounts) {
    if (type === 'cgroup2') v2.push({ mountPoint, root, readOnly: options.includes('ro') });
    if (type !== 'cgroup') continue;
    // The controllers stand among the options of the filesystem; a group named `name=…` has none.
    for (const option of superOptions) if (isController(option)) v1[option] = mountPoint;
  }
  // The usual place first; of two mounts on one place the later hides the earlier.
  const rank = ({ mountPoint }: CgroupMount): number => {
    const index = usual.indexOf(mountPoint);
    return index < 0 ? usual.length : index;
  };
  return { unified: v2.toReversed().sort((a, b) => rank(a) - rank(b))[0], v1 };
}

/** Options of a cgroup v1 superblock that are not controllers: cgroup_show_options() of the kernel. */
const v1Flags = new Set(['rw', 'ro', 'all', 'none', 'noprefix', 'xattr', 'clone_children', 'cpuset_v2_mode']);
const isController = (option: string): boolean =>
  !v1Flags.has(option) && !option.startsWith('favor') && !option.includes('=');

/** Our own group as a directory under the mount, undefined where the mount does not show it. */
function ownDirectory(mount: CgroupMount, memberships: readonly CgroupMembership[]): string | undefined {
  const own = memberships.find(({ hierarchy }) => hierarchy === 0);
  if (own === undefined || own.deleted) return undefined;
  // `/..` stands for what lies above the root of our cgroup namespace: no directory that we could name.
  if (own.path.startsWith('/..') || mount.root.startsWith('/..')) return undefined;
  const below = path.relative(mount.root, own.path);
  return below.startsWith('..') ? undefined : path.join(mount.mountPoint, below);
}

const words = (text: string | undefined): string[] => text?.match(/\S+/g) ?? [];

/** `groups` upwards from one to the mount, both included. */
function* upwards(from: string, mount: string): Generator<string> {
  for (let group = from; ; group = path.dirname(group)) {
    yield group;
    if (group === mount || group === '/') return;
  }
}

/** Facts from mounts, memberships and files: pure, so that captured machines can be asked. */
export function describeCgroups(
  mounts: readonly MountEntry[],
  memberships: readonly CgroupMembership[],
  files: CgroupFiles,
): CgroupHost {
  const { unified, v1 } = findHierarchies(mounts);
  const v1Grantable = Object.keys(v1).filter((name) => files.writable(v1[name] ?? ''));
  const none = { own: undefined, delegated: undefined, grantable: [], parent: undefined, inhabited: false };
  if (unified === undefined) return { mount: undefined, v1, v1Grantable: [], controllers: [], ...none };

  const mount = unified.mountPoint;
  const own = ownDirectory(unified, memberships);
  const controllers = words(files.read(`${mount}/cgroup.controllers`));
  // cgroup-v2.rst, "Delegation": these, and the directory itself, are what a delegatee is given.
  const ours = (group: string): boolean =>
    !unified.readOnly && ['', '/cgroup.procs', '/cgroup.subtree_control'].every((file) => files.writable(group + file));
  // The root of all groups may hold processes and still divide its controllers; it alone has no cgroup.type.
  const inhabited = (group: string): boolean =>
    files.read(`${group}/cgroup.type`) !== undefined && words(files.read(`${group}/cgroup.procs`)).length > 0;

  const delegated = chooseDelegated(mount, own, ours, inhabited);
  if (delegated === undefined) return { mount, v1, v1Grantable: [], controllers, ...none, own };
  const stuck = inhabited(delegated);
  const grantable = words(files.read(`${delegated}/${stuck ? 'cgroup.subtree_control' : 'cgroup.controllers'}`));
  return {
    mount,
    v1,
    v1Grantable,
    controllers: [...new Set([...controllers, ...grantable])],
    own,
    delegated,
    grantable,
    parent: path.join(delegated, 'tare'),
    inhabited: stuck,
  };
}

/**
 * The mount for root. For others the nearest group upwards from our own that is ours and holds no process, because
 * only such a group can pass controllers on; failing that our own, which can hold groups without limits.
 */
function chooseDelegated(
  mount: string,
  own: string | undefined,
  ours: (group: string) => boolean,
  inhabited: (group: string) => boolean,
): string | undefined {
  if (ours(mount) && !inhabited(mount)) return mount;
  if (own === undefined) return ours(mount) ? mount : undefined;
  for (const group of upwards(own, mount)) {
    if (!ours(group)) break;
    if (!inhabited(group)) return group;
  }
  return ours(own) ? own : undefined;
}

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const isWritable = (file: string): boolean => {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** Looks at this host, through /proc and the cgroup filesystem; changes nothing. */
export function probeCgroups(): CgroupHost {
  return describeCgroups(readMountinfo(), readCgroupMembership(), { read: readText, writable: isWritable });
}

/**
 * The same for bundles. Engines name groups from the mount on, whoever lives at its top, and read there what a container
 * has used. Groups below `tare` belong to a process that lives, and are swept when it does not.
 */
export function forBundles(host: CgroupHost): CgroupHost {
  const { mount, parent } = host;
  const isOurs = mount !== undefined && ['', '/cgroup.procs'].every((file) => isWritable(mount + file));
  return {
    ...host,
    counts: true,
    ...(isOurs ? { delegated: mount } : {}),
    ...(parent === undefined ? {} : { parent: path.join(path.dirname(parent), 'tare-oci') }),
  };
}

/** A group of cgroup v1: that of the same path in another hierarchy, for what v2 cannot limit or count here. */
export interface V1Group {
  /** By v1's names; some share a hierarchy, such as `cpu` and `cpuacct`. */
  readonly controllers: readonly string[];
  /** Absolute. */
  readonly path: string;
}

/** The groups of that path in the hierarchies of these controllers, whether they are there or not. */
export function v1Groups(
  { mount = '/', v1, v1Grantable }: Pick<CgroupHost, 'mount' | 'v1' | 'v1Grantable'>,
  group: string,
  wanted: readonly string[] = v1Grantable,
): V1Group[] {
  const below = path.relative(mount, group);
  const mounts = new Set(wanted.filter((name) => v1Grantable.includes(name)).map((name) => v1[name] ?? ''));
  return [...mounts].map((place) => ({
    controllers: v1Grantable.filter((name) => v1[name] === place),
    path: path.join(place, below),
  }));
}

/** What v1 calls the controller that v2 calls `io`. */
export const v1Name = (controller: string): string => (controller === 'io' ? 'blkio' : controller);

/** The controllers that a group may pass on. */
export const readGrantable = (group: string): readonly string[] => words(readText(`${group}/cgroup.controllers`));

/** `''` for a file that cannot be read. */
export const readTrimmed = (file: string): string => readText(file)?.trim() ?? '';

/** The controllers that each of these groups passes on now; none where it does not exist yet. */
export function readEnabled(groups: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map(groups.map((group) => [group, words(readText(`${group}/cgroup.subtree_control`))]));
}
