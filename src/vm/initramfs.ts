/**
 * The first files of a guest, as the kernel unpacks them: a cpio archive of the format "newc"
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Not compressed: unpacking would cost more than copying. Pure.
 */

/** A file, directory or character device; paths begin without a slash, and a directory comes before what lies in it. */
export type Entry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const types = { file: 0o100000, directory: 0o40000, device: 0o20000 } as const;

/** Everything belongs to root and is of no age: the same entries always are the same bytes. */
export function writeInitramfs(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry, index + 1));
  return Buffer.concat([
    ...parts,
    ...record({ kind: 'file', path: 'TRAILER!!!', mode: 0, content: new Uint8Array() }, 0),
  ]);
}

function record(entry: Entry, inode: number): Uint8Array[] {
  const content = entry.kind === 'file' ? entry.content : new Uint8Array();
  const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
  const mode = inode === 0 ? 0 : types[entry.kind] | entry.mode;
  const name = Buffer.from(`${entry.path}\0`);
  // ino, mode, uid, gid, nlink, mtime, size, device of the file (2), device that it is (2), size of the name, checksum
  const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

const padding = (length: number): Uint8Array => new Uint8Array(-length & 3);

const signed = Buffer.from('~Module signature appended~\n');
/** `struct module_signature` of include/linux/module_signature.h. Its last four bytes are the signature's length, big-endian. */
const signatureHeader = 12;

/**
 * A module without the signature of who built it: checking one takes 3 to 6 ms under TCG, and what the host wrote into the
 * initramfs needs no witness. The kernel then counts itself as tainted (`E`).
 */
export function withoutSignature(module: Buffer): Buffer {
  const end = module.length - signed.length;
  if (end < signatureHeader || !module.subarray(end).equals(signed)) return module;
  const length = module.readUInt32BE(end - 4);
  return length > end - signatureHeader ? module : module.subarray(0, end - signatureHeader - length);
}
