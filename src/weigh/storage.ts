/** Places that a payload writes to. */
import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { runCommand } from './run-command.ts';
import type { Job, Site } from './types/backend.ts';

/** Where the payload finds each. */
export const places: Readonly<Record<NonNullable<Job['storage']>, string>> = { root: '/var/tmp', volume: '/mnt' };

/** A directory of the host that is a volume of whatever the backend starts: the same each time. */
export function volumeOf({ disk }: Site): string {
  const volume = join(disk, 'volume');
  mkdirSync(volume, { recursive: true });
  return volume;
}

/** The same as a file with an ext4: a disk of a virtual machine. */
export async function makeVolume({ disk }: Site): Promise<string> {
  const file = join(disk, 'volume.ext4');
  if (existsSync(file)) return file;
  const { failed, said } = await runCommand(['mke2fs', '-q', '-t', 'ext4', file, '512M'], 60);
  if (failed) throw new TareError(`make a disk: ${said}`, { hint: 'apt-get install e2fsprogs' });
  return file;
}

/** linux/magic.h */
const inMemory: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether what is written there stays in memory: on a tmpfs or a ramfs. */
export const isInMemory = (directory: string): boolean => inMemory.has(statfsSync(directory).type);

/**
 * Words to put before a command that only changes its root: devices and the place to write to are bound into that root, where
 * nobody else sees it. Entered once, and not timed; nothing for a payload that needs neither.
 */
export function furnishing(job: Job, site: Site): string[] {
  const { storage, network, root } = job;
  if (storage === undefined && typeof network !== 'object') return [];
  const lines = [
    'mount --bind /dev "$1/dev"',
    ...(storage === undefined ? [] : [`mount --bind "$2" "$1${places[storage]}"`]),
    'shift 2; exec "$@"',
  ];
  const words = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', lines.join('\n'), 'sh'];
  return [...words, root, volumeOf(site)];
}
