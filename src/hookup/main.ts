/** `tare oci install` and `tare oci uninstall`: engines are told of tare-oci, and forget it again. */
import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TareError } from '../errors.ts';
import type { Desk, HookUpCommand } from './command.ts';
import { difference } from './difference.ts';
import { engines } from './engines.ts';
import type { HookUp, Wish } from './hook-up.ts';

/** From dist/, where the bundle is. */
const usual = resolve(import.meta.dirname, '../bin/tare-oci');

/** @returns the exit status */
export function hookUp(command: HookUpCommand, desk: Desk): number {
  const { engine, undo, dryRun } = command;
  const { file, reload, use, ...edit } = engines(containersDirectory(desk.env))[engine];
  const wish = { ...command, runtime: command.runtime ?? usual };
  if (!undo) expectRuntime(wish.runtime);
  if (file === undefined) {
    desk.print(edit.add(undefined, wish)); // to be applied, or deleted
    if (!undo) desk.complain(hints(undefined, use));
    return 0;
  }
  const place = join(command.root, file);
  const before = read(place);
  const after = change(edit, before, wish, undo);
  if (after === before) desk.print(`${place}: nothing to do\n`);
  else if (dryRun) desk.print(`${place}, as it would be changed:\n${difference(before ?? '', after ?? '')}`);
  else {
    write(place, after);
    desk.print(`${place}: ${before === undefined ? 'written' : after === undefined ? 'removed' : 'changed'}\n`);
    desk.complain(hints(reload, undo ? [] : use));
  }
  return 0;
}

const change = (
  { add, remove }: Pick<HookUp, 'add' | 'remove'>,
  before: string | undefined,
  wish: Wish,
  undo: boolean,
): string | undefined => {
  if (!undo) return add(before, wish);
  return before === undefined ? undefined : remove(before);
};

function hints(reload: string | undefined, use: readonly string[]): string {
  const lines = [...(reload === undefined ? [] : [reload]), ...use];
  return lines.map((line, index) => `${index === 0 ? 'next: ' : '      '}${line}\n`).join('');
}

/** containers.conf(5): an ordinary user's engine reads the user's own files. */
function containersDirectory({ XDG_CONFIG_HOME: config, HOME: home = '' }: Desk['env']): string {
  if (process.geteuid?.() === 0) return '/etc/containers';
  return join(config === undefined || config === '' ? join(home, '.config') : config, 'containers');
}

function expectRuntime(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new TareError(`find tare-oci at ${path}`, {
      errno,
      hint: 'npm run build, or name another by --runtime',
      cause,
    });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    if (errno === 'ENOENT') return undefined;
    throw new TareError(`read ${file}`, { errno, cause });
  }
}

/** Whoever reads sees the whole of it or what was before. A link stays one. */
function write(place: string, text: string | undefined): void {
  try {
    if (text === undefined) {
      rmSync(place);
      return;
    }
    mkdirSync(dirname(place), { recursive: true });
    const found = statSync(place, { throwIfNoEntry: false });
    const file = found === undefined ? place : realpathSync(place);
    writeFileSync(`${file}.new`, text, { mode: found === undefined ? 0o644 : found.mode & 0o777 });
    renameSync(`${file}.new`, file);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    const hint = errno === 'EACCES' || errno === 'EPERM' ? 'run as root' : undefined;
    throw new TareError(`write ${place}`, { errno, ...(hint === undefined ? {} : { hint }), cause });
  }
}
