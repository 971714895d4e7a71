/**
 * What is kept for virtual machines and no longer wanted: disks of images that have changed since, initramfs of another tare,
 * kernels of which there are newer ones. Whatever a machine runs with, a snapshot needs or somebody is about to use stays.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allKept, vmCache } from './cache.ts';
import { newestKept } from './kernel.ts';
import { listSnapshots } from './snapshot.ts';

/** Snapshots are their owner's to remove, by name. */
const rooms = ['disk', 'initramfs', 'kernel', 'firmware', 'accelerator'] as const;

/** Between a machine's plan and QEMU's start nothing else shows that an entry is wanted; in ms. */
const aboutToBeUsed = 60_000;

const day = 86_400_000;
/** What nobody has used for so long goes by itself; in ms. */
export const forgottenAfter = 30 * day;

export interface Entry {
  readonly path: string;
  /** On disk. */
  readonly bytes: number;
}

export interface PruneOptions {
  /** Only what has not been used for so long, in ms; a minute at least. */
  readonly unusedFor?: number;
  /** The newest kernels of Debian too, which the next machine downloads again. */
  readonly kernels?: boolean;
  readonly cache?: string;
}

/** Removes what is not wanted. @returns what it was */
export function prune({ unusedFor = 0, kernels = false, cache = vmCache() }: PruneOptions = {}): Entry[] {
  const before = Date.now() - Math.max(unusedFor, aboutToBeUsed);
  const wanted = [...wordsOfMachines(), ...neededBySnapshots(cache), ...(kernels ? [] : newestKernels(cache))];
  const removed: Entry[] = [];
  for (const room of rooms) {
    for (const name of allKept(join(cache, room))) {
      const path = join(cache, room, name);
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined || found.mtimeMs > before || wanted.some((word) => word.includes(path))) continue;
      removed.push({ path, bytes: sizeOf(path) });
      rmSync(path, { recursive: true, force: true });
    }
  }
  return removed;
}

/** Once a day, whoever plans a machine removes what nobody uses any more. */
export function pruneDaily(cache = vmCache()): void {
  const mark = join(cache, 'pruned/last');
  const last = statSync(mark, { throwIfNoEntry: false })?.mtimeMs;
  if (last !== undefined && Date.now() - last < day) return;
  try {
    mkdirSync(dirname(mark), { recursive: true, mode: 0o700 });
    writeFileSync(mark, '', { mode: 0o600 });
    if (last !== undefined) prune({ unusedFor: forgottenAfter, cache });
  } catch {
    // A cache that cannot be written to still serves.
  }
}

/** Kernel, initramfs and disks of a running machine are words of its QEMU's command line. */
function wordsOfMachines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readCommandLine)
    .filter((line) => line.includes('process=tare-vm'));
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone meanwhile
  }
}

const neededBySnapshots = (cache: string): string[] =>
  listSnapshots(cache).flatMap(({ machine }) => [
    machine.kernel,
    machine.initramfs,
    ...machine.disks.map(({ path }) => path),
  ]);

function newestKernels(cache: string): string[] {
  const room = join(cache, 'kernel');
  return (['cloud', 'full'] as const).flatMap((flavour) => {
    const name = newestKept(allKept(room), flavour);
    return name === undefined ? [] : [join(room, name)];
  });
}

function sizeOf(path: string): number {
  const found = lstatSync(path);
  const own = found.blocks * 512;
  if (!found.isDirectory()) return own;
  return readdirSync(path).reduce((total, name) => total + sizeOf(join(path, name)), own);
}
