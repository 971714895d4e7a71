/**
 * The compressed kernel in a bzImage: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". Pure.
 *
 *     0x1f1  1  setup_sects: 512-byte sectors of set-up code after the boot sector; 0 stands for 4
 *     0x202  4  "HdrS"
 *     0x206  2  version of the protocol; 2.08 and later say where the payload is
 *     0x20e  2  where the version's text is, from 0x200
 *     0x248  4  payload_offset, from the end of the set-up code
 *     0x24c  4  payload_length
 *
 * But for gzip, which has it anyway, the payload ends in its size before compression, as a u32.
 */
import { TareError } from '../errors.ts';

/** What a kernel's payload may be compressed by: init/Kconfig, "Kernel compression mode". */
const magics = {
  gzip: [0x1f, 0x8b],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
  lz4: [0x02, 0x21, 0x4c, 0x18],
  lzma: [0x5d, 0x00, 0x00],
  bzip2: [0x42, 0x5a, 0x68],
  lzo: [0x89, 0x4c, 0x5a, 0x4f],
} as const;
export type Compression = keyof typeof magics;

export interface BzImage {
  /** As `uname -r` says it: `6.1.0-18-cloud-amd64`. */
  readonly release: string;
  readonly compression: Compression;
  /** Without the size at its end. */
  readonly payload: Buffer;
  /** Of the payload before compression, in bytes. */
  readonly size: number;
}

/** True for what starts as a bzImage does, be it whole or not. */
export const isBzImage = (file: Buffer): boolean => file.toString('latin1', 0x202, 0x206) === 'HdrS';

/** @param name of the file, for errors @throws {@link TareError} where this is no bzImage, or one that is cut short */
export function parseBzImage(file: Buffer, name: string): BzImage {
  const unreadable = (hint: string): TareError => new TareError(`read the kernel ${name}`, { errno: 'ENOEXEC', hint });
  if (file.length < 0x250 || !isBzImage(file)) throw unreadable('it is no bzImage: give it a vmlinuz of x86-64');
  if (file.readUInt16LE(0x206) < 0x208) throw unreadable('it is older than Linux 2.6.26');
  const sectors = file.readUInt8(0x1f1);
  const start = ((sectors === 0 ? 4 : sectors) + 1) * 512 + file.readUInt32LE(0x248);
  const end = start + file.readUInt32LE(0x24c);
  if (end > file.length || end - start < 16) throw unreadable(`it is cut short: ${file.length} bytes of ${end}`);
  const whole = file.subarray(start, end);
  const compression = compressionOf(whole);
  if (compression === undefined) {
    throw unreadable(`its payload starts with ${whole.toString('hex', 0, 6)}, which is no compression of Linux`);
  }
  const textAt = file.readUInt16LE(0x20e) + 0x200;
  return {
    release: /^[^\s\0]*/.exec(file.toString('latin1', textAt, textAt + 256))?.[0] ?? '',
    compression,
    payload: compression === 'gzip' ? whole : whole.subarray(0, -4),
    size: whole.readUInt32LE(whole.length - 4),
  };
}

function compressionOf(payload: Buffer): Compression | undefined {
  return (Object.keys(magics) as Compression[]).find((name) => magics[name].every((byte, at) => payload[at] === byte));
}
