/**
 * Compiled filters on disk, a file for each key.
 *
 *     0    8  "tareBPF\2"
 *     8    4  length of the key's text
 *    12    4  checksum of all that follows
 *    16    …  the key: all that the filter depends on, as text
 *          …  struct sock_filter[]
 *
 * The key is kept whole and compared whole, so that its hash only has to find the file. None of this needs node:crypto,
 * which takes longer to load than a filter to read.
 *
 * A filter is trusted only from a directory and a file that belong to this user and that nobody else may write: whoever
 * writes filters decides what containers may do. Anything else counts as absent, and no failure to write is an error.
 */
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
import { fnv1a } from './hash.ts';

const magic = Buffer.from('tareBPF\x02', 'latin1');
const headerSize = 16;
/** The longest filter that the kernel takes: 4096 instructions of 8 bytes. */
const longestFilter = 4096 * 8;

/** Where the filter of a key is kept; two keys may share a name, and then take turns. */
export function cacheFileName(key: string): string {
  const bytes = Buffer.from(key);
  return `${bytes.length}-${fnv1a(bytes, 16).toString(16).padStart(8, '0')}`;
}

function contentOf(key: string, bpf: Uint8Array): Buffer {
  const text = Buffer.from(key);
  const file = Buffer.concat([magic, Buffer.alloc(headerSize - magic.length), text, bpf]);
  file.writeUInt32LE(text.length, 8);
  file.writeUInt32LE(fnv1a(bpf), 12);
  return file;
}

function isOurs(stat: Stats): boolean {
  return stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
}

/** The filter under a key; undefined if there is none, or none to be trusted. */
export function readCachedFilter(dir: string, key: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    if (!isOurs(lstatSync(dir))) return undefined;
    fd = openSync(join(dir, cacheFileName(key)), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    const bpfAt = headerSize + Buffer.byteLength(key);
    if (!stat.isFile() || !isOurs(stat) || stat.size <= bpfAt || stat.size > bpfAt + longestFilter) return undefined;
    const file = Buffer.alloc(stat.size);
    if (readSync(fd, file, 0, file.length, 0) !== file.length) return undefined;
    const bpf = file.subarray(bpfAt);
    return bpf.length % 8 === 0 && file.equals(contentOf(key, bpf)) ? bpf : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Keeps a filter; readers see the whole file or none. Says whether it did. */
export function writeCachedFilter(dir: string, key: string, bpf: Buffer): boolean {
  const path = join(dir, cacheFileName(key));
  const draft = `${path}.${process.pid}`;
  let fd: number | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!isOurs(lstatSync(dir))) return false;
    // What lies there under our pid is left from a process that is no more.
    fd = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    writeFileSync(fd, contentOf(key, bpf));
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
