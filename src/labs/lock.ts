/** Locks as files: who holds one is written in it, so that whoever was killed holds nothing. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isAlive, isOfOtherBoot, self } from './alive.ts';

/**
 * The lock is whole from its first moment on, since it is written beforehand and then linked to its name.
 * @returns who holds it, if somebody does; a lock of a process that has ended is nobody's. Of another boot is also a lock of the
 * test machine, which shares the folder: nobody here sees whether its holder lives, so it has the time that a change may take.
 */
export function takeLock(path: string): string | undefined {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, self(), { mode: 0o600 });
  try {
    for (;;) {
      if (links(mine, path)) return undefined;
      const holder = read(path);
      if (holder !== undefined && (isAlive(holder) || (isOfOtherBoot(holder) && isFresh(path)))) return holder;
      if (holder !== undefined) removeDead(path, holder);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** How long, in ms, a change of progress may take: under an emulator too. */
const change = 2000;

function isFresh(path: string): boolean {
  const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return Math.abs(Date.now() - mtimeMs) < change;
}

function links(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Others may do the same at this moment, and one of them may have locked already: what is moved away is looked at again. */
function removeDead(path: string, holder: string): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch {
    return; // another was faster
  }
  if (read(aside) !== holder) links(aside, path);
  rmSync(aside, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
