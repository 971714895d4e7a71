/**
 * An image's directory → a read-only disk of a virtual machine: a file with a filesystem in it, made without root and
 * without a loop device, and kept until the directory changes. Nothing in it is compressed: a guest reads it faster so.
 */
import { statfsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TareError } from '../errors.ts';
import { onPath } from '../linux/host.ts';
import { keep, kept, vmCache } from './cache.ts';
import { type ImageFiles, lookAtFiles } from './image-files.ts';
import type { GuestKernel } from './kernel.ts';
import { runTool, type Tool } from './tool.ts';

/** In the order of preference. */
export const diskFormats = ['erofs', 'squashfs', 'ext4'] as const;
/** As mount(2) and the kernel's modules call it. */
export type DiskFormat = (typeof diskFormats)[number];

export interface Disk {
  readonly path: string;
  readonly format: DiskFormat;
  readonly bytes: number;
  /** Tells its content from that of all others; fit for a file name. */
  readonly key: string;
}

export interface DiskOptions {
  /** What the guest can mount; the first of them that this host can make is made. */
  readonly formats?: readonly DiskFormat[];
  /** Directory to keep disks in, instead of this user's cache. */
  readonly cache?: string;
  /** Told, a line at a time, what takes long. */
  readonly say?: (line: string) => void;
}

interface Maker {
  readonly tool: Tool;
  /** For an ordinary user, whose files are to be root's in the guest, as they are in a rootless container. */
  readonly allRoot?: readonly string[];
  readonly args: (directory: string, disk: string, files: ImageFiles) => readonly string[];
}

const makers: Readonly<Record<DiskFormat, Maker>> = {
  erofs: {
    tool: { program: 'mkfs.erofs', package: 'erofs-utils' },
    allRoot: ['--all-root'],
    args: (directory, disk) => ['--quiet', disk, directory],
  },
  squashfs: {
    tool: { program: 'mksquashfs', package: 'squashfs-tools' },
    allRoot: ['-all-root'],
    args: (directory, disk) => [directory, disk, '-noI', '-noD', '-noF', '-noX', '-quiet', '-no-progress'],
  },
  ext4: {
    tool: { program: 'mke2fs', package: 'e2fsprogs' },
    args: (directory, disk, files) => [
      ...['-q', '-t', 'ext4', '-O', '^has_journal,^resize_inode', '-m', '0', '-b', '4096', '-I', '256'],
      ...['-N', String(files.count + 64), '-d', directory, disk, `${Math.ceil(sizeOfExt4(files) / 1024)}k`],
    ],
  },
};

/** Its inodes are made in advance, and large files and directories have blocks that say where theirs are. */
const sizeOfExt4 = ({ count, bytes }: ImageFiles): number =>
  Math.ceil(bytes * 1.03) + count * (256 + 4096) + 8 * 2 ** 20;

/** What a kernel can mount of our formats, as far as that is known. */
export function formatsOf({ modules }: Pick<GuestKernel, 'modules'>): DiskFormat[] {
  return diskFormats.filter(
    (format) => modules === undefined || modules.builtin.includes(format) || modules.modules[format] !== undefined,
  );
}

/**
 * The disk of a directory, made unless one of these very files is kept.
 *
 * @throws {@link TareError} with the cure: no tool to make it with, a full disk, files that may not be read, a mount in the way
 */
export async function makeDisk(directory: string, options: DiskOptions = {}): Promise<Disk> {
  const { formats = diskFormats, cache = vmCache(), say = () => {} } = options;
  const from = resolve(directory);
  const room = join(cache, 'disk');
  const asRoot = process.geteuid?.() === 0;
  const format = chooseFormat(from, formats, asRoot);
  const files = lookAtFiles(from);
  const key = `${files.key}${asRoot ? '' : '-root'}.${format}`;
  const path =
    kept(room, key) ??
    (await keep(room, key, async (draft) => {
      checkRoom(from, room, files);
      if (files.bytes > 2 ** 28) say(`makes a disk of ${from} (${(files.bytes / 1e6).toFixed(0)} MB), once`);
      const { tool, args, allRoot = [] } = makers[format];
      await runTool(`make a disk of ${from}`, tool, [...(asRoot ? [] : allRoot), ...args(from, draft, files)]);
      if (lookAtFiles(from).key !== files.key) {
        throw new TareError(`make a disk of ${from}`, { errno: 'EBUSY', hint: 'it changed meanwhile: try again' });
      }
    }));
  return { path, format, bytes: statSync(path).size, key };
}

function chooseFormat(directory: string, formats: readonly DiskFormat[], asRoot: boolean): DiskFormat {
  const fit = formats.filter((format) => asRoot || makers[format].allRoot !== undefined);
  const found = fit.find((format) => onPath(makers[format].tool.program) !== undefined);
  if (found !== undefined) return found;
  const [best] = fit;
  throw best === undefined
    ? new TareError(`make a disk of ${directory}`, { hint: `the guest mounts none of ${diskFormats.join(', ')}` })
    : new TareError(`make a disk of ${directory}: there is no ${makers[best].tool.program}`, {
        errno: 'ENOENT',
        hint: `apt-get install ${makers[best].tool.package}`,
      });
}

/** Called when the room is there. A tool that ends for want of space takes its time to find out. */
function checkRoom(directory: string, room: string, { bytes, count }: ImageFiles): void {
  const { bavail, bsize } = statfsSync(room);
  const [needed, free] = [bytes + count * 128, bavail * bsize];
  if (needed <= free) return;
  throw new TareError(`make a disk of ${directory}`, {
    errno: 'ENOSPC',
    hint: `it needs ${inMegabytes(needed)}, and ${room} has ${inMegabytes(free)}`,
  });
}

const inMegabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
