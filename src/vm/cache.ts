/**
 * What virtual machines are made of, kept on disk: kernels, disks, initramfs. An entry is named by its content and never
 * changes; it is made under another name and then renamed, so that two processes may make the same one at once.
 *
 * An entry is used only from a directory that belongs to this user and that nobody else may write: whoever writes here
 * decides what machines boot. It holds copies of images, so nobody else may read it either.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, lutimesSync, readdirSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { cacheDir } from '../linux/cache-dir.ts';

/** Left by a process that was killed; none takes so long to make an entry. */
const abandonedAfter = 3_600_000;

/** The cache of this user. @throws {@link TareError} without a home to have one in */
export function vmCache(): string {
  const dir = cacheDir('vm', process.geteuid?.() ?? 0, process.env);
  if (dir === undefined) {
    throw new TareError('find a place for kernels and disks', { hint: 'set HOME or XDG_CACHE_HOME to a full path' });
  }
  return dir;
}

/**
 * The path of an entry, made by `make` where there is none. `make` is given the path to make a file or directory at.
 *
 * @param room directory of the cache, such as `/var/cache/tare/vm/disk`; made where it is missing
 * @throws {@link TareError} that names the room; whatever `make` throws
 */
export async function keep(room: string, name: string, make: (draft: string) => Promise<void>): Promise<string> {
  const path = join(room, name);
  if (kept(room, name) !== undefined) return path;
  await openRoom(room);
  const draft = join(room, `${name}.${randomUUID()}.draft`);
  try {
    await make(draft);
    await rename(draft, path);
    return path;
  } catch (error) {
    // Somebody else was faster: a directory is not renamed onto one that is not empty.
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '') && existsSync(path)) return path;
    throw codeOf(error) === undefined ? error : troubleWith(room, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function openRoom(room: string): Promise<void> {
  try {
    await mkdir(room, { recursive: true, mode: 0o700 });
    checkOwner(room);
    await removeAbandoned(room);
  } catch (error) {
    throw codeOf(error) === undefined ? error : troubleWith(room, error);
  }
}

/**
 * The path of an entry, if there is one to be trusted. Its time says, to ten seconds, when it was used last.
 *
 * @throws {@link TareError} where the room is somebody else's
 */
export function kept(room: string, name: string): string | undefined {
  const path = join(room, name);
  if (!existsSync(path)) return undefined;
  checkOwner(room);
  markUsed(path);
  return path;
}

function markUsed(path: string): void {
  const now = Date.now();
  try {
    if (now - lstatSync(path).mtimeMs > 10_000) lutimesSync(path, now / 1000, now / 1000);
  } catch {
    // A cache that cannot be written to still serves, and an entry may be gone by now.
  }
}

/** The names of all entries. @throws {@link TareError} where the room is somebody else's */
export function allKept(room: string): string[] {
  if (!existsSync(room)) return [];
  checkOwner(room);
  return readdirSync(room).filter((name) => !name.endsWith('.draft'));
}

function checkOwner(room: string): void {
  const { uid, mode } = lstatSync(room);
  if (uid === process.geteuid?.() && (mode & 0o022) === 0) return;
  throw new TareError(`use the cache ${room}`, {
    errno: 'EPERM',
    hint: 'it must belong to this user, and only this user may write to it',
  });
}

async function removeAbandoned(room: string): Promise<void> {
  for (const name of await readdir(room)) {
    if (!name.endsWith('.draft')) continue;
    const path = join(room, name);
    const found = await lstat(path).catch(() => undefined); // its maker may be done with it by now
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedAfter)
      await rm(path, { recursive: true, force: true });
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;

function troubleWith(room: string, cause: unknown): TareError {
  const errno = codeOf(cause);
  return new TareError(`write to the cache ${room}`, {
    ...(errno === undefined ? {} : { errno }),
    ...(errno === 'ENOSPC' || errno === 'EDQUOT' ? { hint: `make room in ${room}` } : {}),
    cause,
  });
}
