/** What is in an image's directory: enough of it to tell whether a disk that was made of it is still true. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../errors.ts';

export interface ImageFiles {
  /** Tells these files from all others; fit for a file name. */
  readonly key: string;
  readonly count: number;
  /** Of all files, in whole blocks of 4 KiB. */
  readonly bytes: number;
}

/**
 * Looks at every file, without reading any: a change of content shows in its times, for nobody can set ctime.
 *
 * @throws {@link TareError} that names what cannot be looked at, or where something is mounted
 */
export function lookAtFiles(directory: string): ImageFiles {
  const hash = createHash('sha256');
  let [count, bytes] = [0, 0];
  const visit = (path: string, device: number): void => {
    const stat = lstatSync(path);
    if (stat.dev !== device) throw mountedOn(directory, path);
    const { ino, mode, uid, gid, size, rdev, mtimeMs, ctimeMs } = stat;
    hash.update([path.slice(directory.length), ino, mode, uid, gid, size, rdev, mtimeMs, ctimeMs, ''].join('\0'));
    count++;
    if (stat.isFile()) bytes += Math.ceil(size / 4096) * 4096;
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name), device);
  };
  try {
    visit(directory, lstatSync(directory).dev);
  } catch (cause) {
    if (cause instanceof TareError) throw cause;
    const { code, path } = cause as NodeJS.ErrnoException;
    throw new TareError(`make a disk of ${directory}: look at ${path}`, { errno: code ?? 'EIO', cause });
  }
  return { key: hash.digest('hex').slice(0, 32), count, bytes };
}

const mountedOn = (directory: string, path: string): TareError =>
  new TareError(`make a disk of ${directory}`, {
    errno: 'EXDEV',
    hint: `something is mounted on ${path}, and a disk is made of one filesystem`,
  });
