/**
 * The spec's mounts, in its order. A target is a path of the image's author: it is resolved once, below the root, and
 * mounted onto as an open file, so that no symbolic link leads out and no rename slips in between (CVE-2021-30465).
 */
import { flags, O, RESOLVE } from '../linux/flags.ts';
import { isBind, type MountOptions, parseMountOptions, type Propagation } from '../spec/mount-options.ts';
import type { Mount } from '../spec/spec.ts';
import { copyUp } from './copy-up.ts';
import { type Cell, cell, type ProgramBuilder } from './program.ts';
import { namespaceOf } from '../spec/checks/check.ts';
import {
  attach,
  attributes,
  cloneTree,
  inRootArgs,
  inUserNamespace,
  makeDirectories,
  makeFile,
  newFilesystem,
  openInRoot,
  propagationFlags,
  retry,
  type RootedStage,
  setAttributes,
  type Stage,
} from './stage.ts';

/** Open mounts that later stages reach the container's own instances through. */
export interface Mounted {
  /** procfs: nothing that the image does can stand in for it (CVE-2019-16884, CVE-2025-52881). */
  readonly proc?: Cell;
  readonly devpts?: Cell;
  /** What is to become read-only when all that belongs in it is there, by destination. */
  readonly toSeal?: ReadonlyMap<string, Cell>;
}

/** Their contents are the kernel's: a link in their place would put files that programs trust into the image's hands (CVE-2019-19921). */
const pseudo = new Set(['proc', 'sysfs']);

export function mountAll(stage: RootedStage): Mounted {
  let mounted: Mounted = {};
  for (const mount of stage.spec.mounts ?? []) {
    const made = mountOne(stage, mount);
    // Where a user namespace may not mount its own, the host's: its settings are those of the reader's namespaces.
    if (mount.type === 'proc' || (isBind(mount) && mount.source === '/proc')) mounted = { ...mounted, proc: made };
    if (mount.type === 'devpts') mounted = { ...mounted, devpts: made };
    if (made !== undefined && isSealedLater(asMounted(stage, mount))) {
      const { destination } = mount;
      mounted = { ...mounted, toSeal: new Map([...(mounted.toSeal ?? []), [destination, made]]) };
    }
  }
  return mounted;
}

function mountOne(stage: RootedStage, mount: Mount): Cell | undefined {
  const options = parseMountOptions(mount.options ?? []);
  if (options.remount) return remount(stage, mount, options);
  if (isBind(mount)) return bind(stage, mount, options);
  if (showsGroups(stage, mount)) return mountGroups(stage, mount, options);
  // Whoever shares the cgroup namespace of the host may mount its tree only with power over the host.
  const shared = namespaceOf(stage.spec, 'cgroup') === undefined && inUserNamespace(stage);
  if (mount.type === 'cgroup' && shared)
    return bind(stage, { ...mount, source: '/sys/fs/cgroup' }, throughout(options));
  return mountNew(stage, mount, options);
}

const readOnly = 'MOUNT_ATTR_RDONLY';

/** A new filesystem is empty: what the spec mounts in it, and the devices of /dev, need directories and files there first. */
function isSealedLater({ type, destination, options = [] }: Mount): boolean {
  const { attrSet, recursiveSet, remount, bind } = parseMountOptions(options);
  if (remount || bind !== false || (type !== 'tmpfs' && destination !== '/dev')) return false;
  return [...attrSet, ...recursiveSet].includes(readOnly);
}

export function sealMounts({ b }: Stage, { toSeal = new Map<string, Cell>() }: Mounted): void {
  for (const [destination, mount] of toSeal)
    setAttributes(b, `make ${destination} read-only`, mount, { set: attributes([readOnly]) });
}

/** What holds for the mount holds for what is mounted in it: a tree of the host's may have several hierarchies in it. */
const throughout = (options: MountOptions): MountOptions => ({
  ...options,
  recursiveSet: [...options.attrSet, ...options.recursiveSet],
  recursiveClear: [...options.attrClear, ...options.recursiveClear],
});

function mountNew(stage: RootedStage, mount: Mount, options: MountOptions): Cell {
  const { b } = stage;
  const { destination } = mount;
  const type = mount.type === 'cgroup' ? 'cgroup2' : (mount.type ?? 'none');
  const target = targetDirectory(stage, destination, pseudo.has(type));
  const settings: [string, string | undefined][] = [
    ['source', mount.source ?? type],
    ...options.superblock.map((flag): [string, undefined] => [flag, undefined]),
    ...options.data,
  ];
  const set = [...options.attrSet, ...options.recursiveSet];
  const attrs = attributes(isSealedLater(mount) ? set.filter((name) => name !== readOnly) : set);
  const made = options.tmpcopyup
    ? copyUp(stage, destination, target, options, attrs)
    : newFilesystem(b, destination, type, settings, attrs);
  propagate(stage, destination, made, options.propagation);
  attach(b, `mount ${type} on ${destination}`, made, target);
  return made;
}

const showsGroups = ({ facts }: Stage, { type }: Mount): boolean =>
  type === 'cgroup' && (facts.ownGroups ?? []).length > 0;

const asMounted = (stage: Stage, mount: Mount): Mount =>
  showsGroups(stage, mount) ? { ...mount, type: 'tmpfs', source: 'tmpfs' } : mount;

/**
 * Programs of a host with cgroup v1 look for their limits hierarchy by hierarchy. As runc has it, each is a directory of a tmpfs; and
 * in it is the container's own group, whoever's cgroup namespace this is.
 */
function mountGroups(stage: RootedStage, mount: Mount, options: MountOptions): Cell {
  const { b } = stage;
  const { destination } = mount;
  const plain = { ...options, data: [['mode', '755']] as [string, string][], superblock: [] };
  const made = mountNew(stage, asMounted(stage, mount), plain);
  const onMount = { ...stage, root: made };
  for (const { name, path } of stage.facts.ownGroups ?? []) {
    const tree = cloneTree(b, `take the container's own group ${path}`, path, false);
    makeDirectories(onMount, name);
    attach(b, `show it as ${destination}/${name}`, tree, openInRoot(onMount, `open ${destination}/${name}`, name));
    change(stage, `${destination}/${name}`, tree, options);
    const shared = name.includes(',') ? name.split(',') : [];
    for (const each of shared) b.op(`find it as ${destination}/${each} too`, 'symlinkat', [name, made, each]);
  }
  return made;
}

function targetDirectory(stage: RootedStage, destination: string, plain: boolean): Cell {
  makeDirectories(stage, destination);
  if (!plain) return openInRoot(stage, `open ${destination} to mount onto`, destination, 'directory');
  const args = inRootArgs(
    stage.root,
    destination,
    flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'),
    flags(RESOLVE, 'IN_ROOT', 'NO_SYMLINKS'),
  );
  return stage.b.result('target', `open ${destination} to mount onto`, 'openat2', args, {
    retry,
    hints: { ELOOP: 'the image has a symbolic link there: it must be mounted on ordinary directory' },
  });
}

function bind(stage: RootedStage, mount: Mount, options: MountOptions): Cell {
  const { b, facts } = stage;
  const { destination } = mount;
  const source = mount.source ?? '';
  const recursive = options.bind !== 'bind';
  const mapped = facts.idMapped.get(destination);
  const tree =
    mapped === undefined ? (stage.shared.get(destination) ?? takeTree(b, source, recursive)) : cell('mapped', mapped);
  if (facts.paths.get(source) === 'file') makeFile(stage, destination);
  else makeDirectories(stage, destination);
  const target = openInRoot(stage, `open ${destination} to mount onto`, destination);
  attach(b, `bind ${source} to ${destination}`, tree, target);
  change(stage, destination, tree, options);
  return tree;
}

const takeTree = (b: ProgramBuilder, source: string, recursive: boolean): Cell =>
  cloneTree(b, `take ${source} from the host`, source, recursive, {
    ENOENT: 'no such path on the host',
    EINVAL: 'the mount is unbindable or belongs to another mount namespace',
  });

/** What is to share its mounts with the host is taken while all mounts still do: mount_namespaces(7). */
export function takeShared({ b, spec, facts }: Stage): ReadonlyMap<string, Cell> {
  return new Map(
    (spec.mounts ?? []).flatMap((mount): [string, Cell][] => {
      const { destination, source = '' } = mount;
      const { bind, propagation } = parseMountOptions(mount.options ?? []);
      const shares = propagation.some((kind) => kind === 'shared' || kind === 'rshared');
      if (!shares || !isBind(mount) || facts.idMapped.has(destination)) return [];
      return [[destination, takeTree(b, source, bind !== 'bind')]];
    }),
  );
}

/** After it is attached: a flag that the host has locked must not be lost on the way. */
function change(stage: RootedStage, destination: string, mount: Cell, options: MountOptions): void {
  const { b } = stage;
  if (options.attrSet.length + options.attrClear.length > 0)
    setAttributes(b, `set the options of ${destination}`, mount, {
      set: attributes(options.attrSet),
      clear: attributes(options.attrClear),
    });
  if (options.recursiveSet.length + options.recursiveClear.length > 0)
    setAttributes(b, `set the options of all below ${destination}`, mount, {
      set: attributes(options.recursiveSet),
      clear: attributes(options.recursiveClear),
      recursive: true,
    });
  propagate(stage, destination, mount, options.propagation);
}

function remount(stage: RootedStage, mount: Mount, options: MountOptions): Cell {
  const target = openInRoot(stage, `open ${mount.destination} to change its options`, mount.destination);
  change(stage, mount.destination, target, options);
  return target;
}

function propagate(stage: RootedStage, destination: string, mount: Cell, kinds: readonly Propagation[]): void {
  for (const kind of kinds) {
    const recursive = kind.startsWith('r');
    const propagation = propagationFlags[(recursive ? kind.slice(1) : kind) as keyof typeof propagationFlags];
    setAttributes(stage.b, `make the propagation of ${destination} ${kind}`, mount, { propagation, recursive });
  }
}
