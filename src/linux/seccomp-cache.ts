/**
 * Compiled filters on disk, a file for each key.
 *
 *     0    8  "tareBPF\1"
 *     8   32  key                 a file moved under another name is seen
 *    40   32  SHA-256 of the rest
 *    72    …  struct sock_filter[]
 *
 * A filter is trusted only from a directory and a file that belong to this user and that nobody else may write: whoever
 * writes filters decides what containers may do. Anything else counts as absent, and no failure to write is an error.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

const magic = Buffer.from('tareBPF\x01', 'latin1');
const headerSize = 72;
/** The longest filter that the kernel takes: 4096 instructions of 8 bytes. */
const sizeLimit = headerSize + 4096 * 8;

/** `/var/cache/tare/seccomp` for root, otherwise in `$XDG_CACHE_HOME` or `~/.cache`; undefined without a home. */
export function seccompCacheDir(uid: number, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (uid === 0) return '/var/cache/tare/seccomp';
  // The XDG base directory specification has relative paths ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'tare/seccomp');
  return env.HOME?.startsWith('/') ? join(env.HOME, '.cache/tare/seccomp') : undefined;
}

const digest = (content: Uint8Array): Buffer => createHash('sha256').update(content).digest();

function isOurs(stat: Stats): boolean {
  return stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
}

/** The filter under a key of 32 bytes; undefined if there is none, or none to be trusted. */
export function readCachedFilter(dir: string, key: Buffer): Buffer | undefined {
  let fd: number | undefined;
  try {
    if (!isOurs(lstatSync(dir))) return undefined;
    fd = openSync(join(dir, key.toString('hex')), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || !isOurs(stat) || stat.size <= headerSize || stat.size > sizeLimit) return undefined;
    const file = Buffer.alloc(stat.size);
    if (readSync(fd, file, 0, file.length, 0) !== file.length) return undefined;
    const bpf = file.subarray(headerSize);
    const expected = Buffer.concat([magic, key, digest(bpf)]);
    return file.subarray(0, headerSize).equals(expected) && bpf.length % 8 === 0 ? bpf : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Keeps a filter; readers see the whole file or none. Says whether it did. */
export function writeCachedFilter(dir: string, key: Buffer, bpf: Buffer): boolean {
  const path = join(dir, key.toString('hex'));
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  let fd: number | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!isOurs(lstatSync(dir))) return false;
    fd = openSync(draft, 'wx', 0o600);
    writeFileSync(fd, Buffer.concat([magic, key, digest(bpf), bpf]));
    renameSync(draft, path);
    return true;
  } catch {
    // A read-only or full disk costs the next start some time, this one nothing.
    if (fd !== undefined) removeDraft(draft);
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function removeDraft(draft: string): void {
  try {
    unlinkSync(draft);
  } catch {
    // Gone already: renamed before the failure.
  }
}
