/** What stat(2) says that a file is. */
import type { Stats } from 'node:fs';

export const fileKinds = ['file', 'directory', 'link', 'character device', 'block device', 'pipe', 'socket'] as const;
export type FileKind = (typeof fileKinds)[number];

export function kindOf(stat: Stats): FileKind {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'link';
  if (stat.isCharacterDevice()) return 'character device';
  if (stat.isBlockDevice()) return 'block device';
  return stat.isFIFO() ? 'pipe' : 'socket';
}

/** `MAJOR:MINOR`, of the smaller numbers that there are in labs. */
export const deviceNumber = (rdev: number): string => `${rdev >> 8}:${rdev & 0xff}`;
