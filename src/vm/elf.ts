/** What of ELF, 64-bit and little endian, kernels and their modules need: elf(5). Pure. */

const PT_NOTE = 4;
/** XEN_ELFNOTE_PHYS32_ENTRY of Xen's public/elfnote.h. */
const physicalEntry = 18;

export const isElf = (file: Buffer): boolean =>
  file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;

/**
 * Where a kernel wants to be entered in 32-bit protected mode, the x86/HVM direct boot ABI (PVH) of Xen's docs/misc/pvh.
 * Undefined where it says nothing of that: CONFIG_PVH is off.
 */
export function pvhEntry(file: Buffer): number | undefined {
  for (const { type, offset, size } of segments(file)) {
    if (type !== PT_NOTE) continue;
    const note = notes(file.subarray(offset, offset + size)).find(
      (one) => one.owner === 'Xen' && one.type === physicalEntry,
    );
    if (note !== undefined && note.body.length >= 4) return note.body.readUInt32LE(0);
  }
  return undefined;
}

/** The release of the Linux in an ELF file, as `uname -r` says it; empty where it holds none. */
export const linuxRelease = (file: Buffer): string => {
  const at = file.indexOf('Linux version ');
  return at < 0 ? '' : (/^Linux version (\S+)/.exec(file.toString('latin1', at, at + 256))?.[1] ?? '');
};

/** The contents of a section; undefined where the file has none of that name, or is cut short. */
export function section(file: Buffer, name: string): Buffer | undefined {
  if (!isElf(file)) return undefined;
  const [at, size, count, names] = [
    Number(file.readBigUInt64LE(0x28)),
    file.readUInt16LE(0x3a),
    file.readUInt16LE(0x3c),
    file.readUInt16LE(0x3e),
  ];
  if (size < 64 || at + size * count > file.length || names >= count) return undefined;
  const header = (index: number): { name: number; body: Buffer } => {
    const from = at + size * index;
    const offset = Number(file.readBigUInt64LE(from + 0x18));
    return {
      name: file.readUInt32LE(from),
      body: file.subarray(offset, offset + Number(file.readBigUInt64LE(from + 0x20))),
    };
  };
  const table = header(names).body;
  for (let index = 0; index < count; index++) {
    const found = header(index);
    if (text(table, found.name) === name) return found.body;
  }
  return undefined;
}

function segments(file: Buffer): { type: number; offset: number; size: number }[] {
  if (!isElf(file)) return [];
  const [at, size, count] = [Number(file.readBigUInt64LE(0x20)), file.readUInt16LE(0x36), file.readUInt16LE(0x38)];
  if (size < 56 || at + size * count > file.length) return [];
  return Array.from({ length: count }, (_, index) => {
    const from = at + size * index;
    return {
      type: file.readUInt32LE(from),
      offset: Number(file.readBigUInt64LE(from + 8)),
      size: Number(file.readBigUInt64LE(from + 0x20)),
    };
  });
}

/** Up to a multiple of 4; in 32 bits the greatest sizes would come out negative. */
const aligned = (size: number): number => Math.ceil(size / 4) * 4;

/** {u32 size of owner, u32 size of body, u32 type}, owner and body, each filled up to a multiple of 4. */
function notes(bytes: Buffer): { owner: string; type: number; body: Buffer }[] {
  const found: { owner: string; type: number; body: Buffer }[] = [];
  for (let at = 0; at + 12 <= bytes.length;) {
    const [ownerSize, bodySize, type] = [
      bytes.readUInt32LE(at),
      bytes.readUInt32LE(at + 4),
      bytes.readUInt32LE(at + 8),
    ];
    const bodyAt = at + 12 + aligned(ownerSize);
    found.push({ owner: text(bytes, at + 12), type, body: bytes.subarray(bodyAt, bodyAt + bodySize) });
    at = bodyAt + aligned(bodySize);
  }
  return found;
}

/** Up to the next NUL. */
function text(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 ? bytes.length : end);
}
