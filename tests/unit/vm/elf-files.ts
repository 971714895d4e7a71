/** The smallest ELF files that say what the tests are about: elf(5). */

const headerSize = 64;

/** A file with one section, found by its name. */
export function withSection(name: string, body: Buffer): Buffer {
  const names = Buffer.from(`\0.shstrtab\0${name}\0`);
  const namesAt = headerSize + body.length;
  const tableAt = namesAt + names.length;
  const header = elfHeader();
  header.writeBigUInt64LE(BigInt(tableAt), 0x28);
  header.writeUInt16LE(headerSize, 0x3a);
  header.writeUInt16LE(3, 0x3c);
  header.writeUInt16LE(1, 0x3e);
  const entry = (nameAt: number, offset: number, size: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(nameAt, 0);
    bytes.writeBigUInt64LE(BigInt(offset), 0x18);
    bytes.writeBigUInt64LE(BigInt(size), 0x20);
    return bytes;
  };
  const table = [entry(0, 0, 0), entry(1, namesAt, names.length), entry(11, headerSize, body.length)];
  return Buffer.concat([header, body, names, ...table]);
}

/** A file with one segment of notes. */
export function withNotes(...notes: readonly { owner: string; type: number; body: Buffer }[]): Buffer {
  const header = elfHeader();
  header.writeBigUInt64LE(BigInt(headerSize), 0x20);
  header.writeUInt16LE(56, 0x36);
  header.writeUInt16LE(1, 0x38);
  const segment = Buffer.alloc(56);
  const body = Buffer.concat(notes.map(noteBytes));
  segment.writeUInt32LE(4, 0);
  segment.writeBigUInt64LE(BigInt(headerSize + 56), 8);
  segment.writeBigUInt64LE(BigInt(body.length), 0x20);
  return Buffer.concat([header, segment, body]);
}

function noteBytes({ owner, type, body }: { owner: string; type: number; body: Buffer }): Buffer {
  const name = Buffer.from(`${owner}\0`);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(name.length, 0);
  sizes.writeUInt32LE(body.length, 4);
  sizes.writeUInt32LE(type, 8);
  const fill = (bytes: Buffer): Buffer => Buffer.alloc((4 - (bytes.length % 4)) % 4);
  return Buffer.concat([sizes, name, fill(name), body, fill(body)]);
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(headerSize);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  return header;
}
