/** `file`: what lies at a path, and on which filesystem; what its name says is not asked. */
import { lstatSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import * as z from 'zod';
import { deviceNumber, type FileKind, fileKinds, kindOf } from '../file-kind.ts';
import type { Finding } from '../finding.ts';
import { describeExpected, meets } from './numbers.ts';
import { expectedShape, scalar } from './shapes.ts';

/** statfs(2): `f_type` by name. */
const filesystems = { overlay: 0x794c7630, tmpfs: 0x01021994, ext4: 0xef53, proc: 0x9fa0, cgroup2: 0x63677270 };

export const fileShape = z.strictObject({
  path: z.string(),
  is: z.enum([...fileKinds, 'nothing']).optional(),
  filesystem: z.enum(['overlay', 'tmpfs', 'ext4', 'proc', 'cgroup2']).optional(),
  /** Of a device file: `0:0` is a whiteout of overlayfs. */
  device: z.string().optional(),
  /** Its content. */
  holds: expectedShape.optional(),
  /** The very same inode as this one. */
  sameAs: z.string().optional(),
  /** Where a link leads. */
  target: z.string().optional(),
  /** In octal, such as `0755`. */
  mode: z.string().optional(),
  uid: scalar.optional(),
  gid: scalar.optional(),
});
export type FileExpected = z.output<typeof fileShape>;

export function checkFile(expected: FileExpected): Finding {
  const { path } = expected;
  const failed = findings(expected).filter(({ met }) => !met);
  return {
    passed: failed.length === 0,
    tested: `what does the kernel say of ${path}? (lstat, statfs, read)`,
    expected: describeFile(expected),
    saw: (failed.length > 0 ? failed : findings(expected)).map(({ saw }) => saw).join(', '),
  };
}

/** `file, on overlay, holding "x"` */
export function describeFile(expected: FileExpected): string {
  const { is, filesystem, device, holds, sameAs, target, mode, uid, gid } = expected;
  const parts = [
    is ?? '',
    filesystem === undefined ? '' : `on ${filesystem}`,
    device === undefined ? '' : `device number ${device}`,
    holds === undefined ? '' : `holding ${describeExpected(holds)}`,
    sameAs === undefined ? '' : `the same inode as ${sameAs}`,
    target === undefined ? '' : `leading to ${target}`,
    mode === undefined ? '' : `mode ${mode}`,
    uid === undefined ? '' : `uid ${uid}`,
    gid === undefined ? '' : `gid ${gid}`,
  ];
  return parts.filter(Boolean).join(', ');
}

interface Seen {
  readonly met: boolean;
  readonly saw: string;
}

function findings(expected: FileExpected): Seen[] {
  const { path, is, filesystem, device, holds, sameAs, target, mode, uid, gid } = expected;
  const kind = kindAt(path);
  if (kind === 'nothing' || (is !== undefined && is !== kind)) return [{ met: is === kind, saw: kind }];
  try {
    const stat = lstatSync(path);
    const number = deviceNumber(stat.rdev);
    const bits = (stat.mode & 0o7777).toString(8).padStart(4, '0');
    const list: Seen[] = [{ met: true, saw: kind }];
    const add = (met: boolean, saw: string) => list.push({ met, saw });
    if (filesystem !== undefined) add(typeOf(path) === filesystems[filesystem], `on ${filesystemName(path)}`);
    if (device !== undefined) add(number === device, `device number ${number}`);
    if (holds !== undefined) {
      const text = readFileSync(path, 'utf8');
      add(meets(text, holds), `holding "${text.trim().slice(0, 60)}"`);
    }
    if (sameAs !== undefined) {
      const other = statSync(sameAs);
      add(other.ino === stat.ino && other.dev === stat.dev, `inode ${stat.ino}, and ${other.ino} of ${sameAs}`);
    }
    if (target !== undefined) add(readlinkSync(path) === target, `leading to ${readlinkSync(path)}`);
    if (mode !== undefined) add(bits === mode.padStart(4, '0'), `mode ${bits}`);
    if (uid !== undefined) add(String(stat.uid) === uid, `uid ${stat.uid}`);
    if (gid !== undefined) add(String(stat.gid) === gid, `gid ${stat.gid}`);
    return list;
  } catch (error) {
    return [{ met: false, saw: `${(error as NodeJS.ErrnoException).code ?? 'something'} on looking at it` }];
  }
}

function kindAt(path: string): FileKind | 'nothing' {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'nothing' : kindOf(stat);
}

const typeOf = (path: string): number => statfsSync(path).type;

const filesystemName = (path: string): string =>
  Object.entries(filesystems).find(([, type]) => type === typeOf(path))?.[0] ??
  `another filesystem (0x${typeOf(path).toString(16)})`;
