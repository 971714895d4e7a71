/** What the stages of `compile` share: the builder, the handles that one leaves for the next, and the calls that recur. */
import type { Errno } from '../linux/abi.ts';
import {
  AT,
  AT_FDCWD,
  flags,
  FSCONFIG,
  FSMOUNT,
  FSOPEN,
  MOUNT_ATTR,
  MOVE_MOUNT,
  MS,
  named,
  type Named,
  O,
  OPEN_TREE,
  RESOLVE,
} from '../linux/flags.ts';
import { namespaceOf } from '../spec/checks/check.ts';
import type { MountAttr } from '../spec/mount-options.ts';
import type { Spec } from '../spec/spec.ts';
import type { Facts } from './facts.ts';
import { type Arg, type Cell, data, type Data, type ProgramBuilder } from './program.ts';

export interface Stage {
  readonly b: ProgramBuilder;
  readonly spec: Spec;
  readonly facts: Facts;
  /** Our end of the socket to the parent. */
  readonly sync: Cell;
}

/** A stage that works below the container's root. */
export interface RootedStage extends Stage {
  /** O_PATH fd of the root's mount. */
  readonly root: Cell;
  /** Mounts of the host, by destination, taken while what is mounted on them still reached it. */
  readonly shared: ReadonlyMap<string, Cell>;
}

/** Without power over the host, whether in a user namespace made for the container or in another's. */
export function inUserNamespace({ spec, facts }: Pick<Stage, 'spec' | 'facts'>): boolean {
  return facts.rootless || namespaceOf(spec, 'user') !== undefined;
}

/** `struct open_how` of openat2(2). */
function openHow(open: Named, resolve: Named, mode = 0): Data {
  const shown = mode === 0 ? '' : `, mode: 0${mode.toString(8)}`;
  return data(`{flags: ${open.text}${shown}, resolve: ${resolve.text}}`, [
    { u64: open },
    { u64: mode },
    { u64: resolve },
  ]);
}

const openHowSize = 24;

const closeOnExec = flags(FSOPEN, 'CLOEXEC');
const mountCloseOnExec = flags(FSMOUNT, 'CLOEXEC');
const setFlag = flags(FSCONFIG, 'SET_FLAG');
const setString = flags(FSCONFIG, 'SET_STRING');
const createCommand = flags(FSCONFIG, 'CMD_CREATE');
const ofMount = flags(AT, 'EMPTY_PATH');
const ofMounts = flags(AT, 'EMPTY_PATH', 'RECURSIVE');
const inRoot = flags(RESOLVE, 'IN_ROOT');
const ofThisMount = flags(RESOLVE, 'NO_XDEV', 'NO_MAGICLINKS', 'BENEATH');
const pathOnly = flags(O, 'PATH', 'CLOEXEC');
const directoryOnly = flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC');

/**
 * The arguments of an openat2 that stays below the root, whatever symbolic links the image holds. A rename in the image
 * may make the kernel say EAGAIN; so long as it is bounded, trying again is what openat2(2) advises.
 */
export function inRootArgs(root: Cell, path: string, open: Named = pathOnly, resolve: Named = inRoot, mode = 0): Arg[] {
  return [root, relative(path), openHow(open, resolve, mode), openHowSize];
}

export const retry = { on: 'EAGAIN' as Errno, times: 32 };

export function openInRoot(stage: RootedStage, why: string, path: string, kind: 'any' | 'directory' = 'any'): Cell {
  const args = inRootArgs(stage.root, path, kind === 'directory' ? directoryOnly : pathOnly);
  return stage.b.result('target', why, 'openat2', args, { retry });
}

/** Paths below the root are handed to the kernel without their leading slash. */
function relative(path: string): string {
  return path.replace(/^\/+/, '') || '.';
}

/** Makes `path` and what leads to it, each step resolved below the root. Existing directories are left as they are. */
export function makeDirectories(stage: RootedStage, path: string, mode = 0o755): void {
  const parts = path.split('/').filter((part) => part !== '');
  parts.forEach((name, depth) => {
    makeEntry(stage, `make /${parts.slice(0, depth + 1).join('/')}`, parts.slice(0, depth), (parent) =>
      stage.b.op(`make directory /${parts.slice(0, depth + 1).join('/')}`, 'mkdirat', [parent, name, octal(mode)], {
        allow: ['EEXIST'],
      }),
    );
  });
}

/** An empty file as the target of a bind mount. */
export function makeFile(stage: RootedStage, path: string): void {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.at(-1) ?? '.';
  makeDirectories(stage, parts.slice(0, -1).join('/'));
  makeEntry(stage, `make ${path}`, parts.slice(0, -1), (parent) =>
    stage.b.op(`make file ${path} to mount onto`, 'mknodat', [parent, name, named(0o100644, 'S_IFREG|0644'), 0], {
      allow: ['EEXIST'],
    }),
  );
}

function makeEntry(stage: RootedStage, why: string, parent: string[], make: (parent: Cell) => void): void {
  if (parent.length === 0) return make(stage.root);
  make(openInRoot(stage, `${why}: open its parent`, parent.join('/'), 'directory'));
}

export const octal = (mode: number): Named => named(mode, `0${mode.toString(8)}`);

export const attributes = (names: readonly MountAttr[]): Named =>
  flags(MOUNT_ATTR, ...names.map((name) => name.slice('MOUNT_ATTR_'.length) as keyof typeof MOUNT_ATTR.values));

/** A filesystem made by the mount API, not yet attached anywhere. */
export function newFilesystem(
  b: ProgramBuilder,
  what: string,
  type: string,
  settings: readonly (readonly [key: string, value: string | undefined])[],
  attrs: Named,
): Cell {
  const context = b.result('fs', `open a new ${type} for ${what}`, 'fsopen', [type, closeOnExec]);
  for (const [key, value] of settings) {
    const [command, arg] = value === undefined ? [setFlag, 0] : [setString, value];
    const shown = value === undefined ? key : `${key}=${value}`;
    b.op(`set ${shown} for ${what}`, 'fsconfig', [context, command, key, arg, 0]);
  }
  b.op(`create the ${type} for ${what}`, 'fsconfig', [context, createCommand, 0, 0, 0]);
  return b.result('mount', `make a mount of the ${type} for ${what}`, 'fsmount', [context, mountCloseOnExec, attrs]);
}

/** A copy of a mount of the host, not yet attached anywhere. */
export function cloneTree(
  b: ProgramBuilder,
  why: string,
  from: string | Cell,
  recursive: boolean,
  hints: Partial<Record<Errno, string>> = {},
): Cell {
  const names = ['OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'] as const;
  const how = typeof from === 'string' ? [] : (['AT_EMPTY_PATH'] as const);
  const all = flags(OPEN_TREE, ...names, ...how, ...(recursive ? (['AT_RECURSIVE'] as const) : []));
  return b.result('mount', why, 'open_tree', typeof from === 'string' ? [AT_FDCWD, from, all] : [from, '', all], {
    hints,
  });
}

const ontoFd = flags(MOVE_MOUNT, 'F_EMPTY_PATH', 'T_EMPTY_PATH');

/** Attaches a mount onto an open target: no path is walked again, so none can change in between. */
export function attach(b: ProgramBuilder, why: string, mount: Cell, target: Cell, allow: readonly Errno[] = []): void {
  b.op(why, 'move_mount', [mount, '', target, '', ontoFd], { allow });
}

export interface AttributeChange {
  readonly set?: Named;
  readonly clear?: Named;
  /** MS_PRIVATE, MS_SHARED … */
  readonly propagation?: Named;
  readonly userNamespace?: number;
  readonly recursive?: boolean;
  readonly allow?: readonly Errno[];
  readonly hints?: Partial<Record<Errno, string>>;
}

const none = named(0, '0');

/** mount_namespaces(7), "Propagation types". */
export const propagationFlags = {
  private: flags(MS, 'PRIVATE'),
  shared: flags(MS, 'SHARED'),
  slave: flags(MS, 'SLAVE'),
  unbindable: flags(MS, 'UNBINDABLE'),
} as const;

/** mount_setattr(2) on an open mount. */
export function setAttributes(b: ProgramBuilder, why: string, mount: Cell, change: AttributeChange): void {
  const { set = none, clear = none, propagation = none, userNamespace = 0, recursive = false } = change;
  const shown = Object.entries({ attr_set: set, attr_clr: clear, propagation })
    .filter(([, value]) => value !== none)
    .map(([name, value]) => `${name}: ${value.text}`);
  if (userNamespace !== 0) shown.push(`userns_fd: ${userNamespace}`);
  const fields = [{ u64: set }, { u64: clear }, { u64: propagation }, { u64: userNamespace }];
  const at = recursive ? ofMounts : ofMount;
  b.op(why, 'mount_setattr', [mount, '', at, data(`{${shown.join(', ')}}`, fields), 32], {
    ...(change.allow ? { allow: change.allow } : {}),
    ...(change.hints ? { hints: change.hints } : {}),
  });
}

/**
 * Writes a text to a file below an open directory, in one write. Below an open mount it is a file of that very mount: nothing
 * that is mounted over it, and nothing that a link of procfs leads to (CVE-2025-52881).
 */
export function writeFile(
  b: ProgramBuilder,
  why: string,
  directory: Cell | Named,
  path: string,
  text: string,
  hints: Partial<Record<Errno, string>> = {},
): void {
  const how = flags(O, 'WRONLY', 'CLOEXEC');
  const file =
    directory.kind === 'cell'
      ? b.result('file', `${why}: open ${path}`, 'openat2', inRootArgs(directory, path, how, ofThisMount), {
          hints: { EXDEV: 'the spec mounts something over it', ...hints },
          retry,
        })
      : b.result('file', `${why}: open ${path}`, 'openat', [directory, path, how, 0], { hints });
  b.op(why, 'write', [file, text, Buffer.byteLength(text)], { min: Buffer.byteLength(text), hints });
  b.op(`${why}: close ${path}`, 'close', [file]);
}
