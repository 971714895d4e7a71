import { expect, test } from 'vitest';
import { isBzImage, parseBzImage } from '../../../src/vm/bzimage.ts';

/** A boot sector, `sectors` of set-up code and a payload after a few bytes of decompressor. */
function bzImage(payload: Buffer, { sectors = 2, version = 0x20f } = {}): Buffer {
  const setup = Buffer.alloc(((sectors === 0 ? 4 : sectors) + 1) * 512);
  setup.writeUInt8(sectors, 0x1f1);
  setup.write('HdrS', 0x202);
  setup.writeUInt16LE(version, 0x206);
  setup.writeUInt16LE(0x100, 0x20e);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  setup.write('6.1.0-18-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP\0', 0x300);
  return Buffer.concat([setup, Buffer.alloc(16, 0x90), payload, Buffer.alloc(32)]);
}

const size = Buffer.from([0, 0, 2, 0]);
const lz4 = Buffer.concat([Buffer.from('02214c18', 'hex'), Buffer.from('blocks of lz4'), size]);

test('the payload is found behind the set-up code, without the size at its end', () => {
  for (const sectors of [0, 1, 4, 39]) {
    const { release, compression, payload, size } = parseBzImage(bzImage(lz4, { sectors }), 'vmlinuz');
    expect({ release, compression, size }).toEqual({
      release: '6.1.0-18-cloud-amd64',
      compression: 'lz4',
      size: 0x20000,
    });
    expect(payload.toString('latin1', 4)).toBe('blocks of lz4');
  }
});

test('each compression of Linux is told by its first bytes, and gzip keeps its own size', () => {
  const starts = {
    xz: 'fd377a585a00',
    zstd: '28b52ffd',
    lzma: '5d00000080',
    bzip2: '425a6839',
    lzo: '894c5a4f',
    gzip: '1f8b08',
  };
  for (const [name, start] of Object.entries(starts)) {
    const payload = Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(16), size]);
    const found = parseBzImage(bzImage(payload), 'vmlinuz');
    expect([found.compression, found.size]).toEqual([name, 0x20000]);
    expect(found.payload.length).toBe(payload.length - (name === 'gzip' ? 0 : 4));
  }
});

test('what cannot be a kernel is refused, and the error says what is wrong with it', () => {
  const refusal = (file: Buffer): string => {
    try {
      parseBzImage(file, '/tmp/vmlinuz');
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('not refused');
  };
  expect(isBzImage(Buffer.from('text'))).toBe(false);
  expect([
    refusal(Buffer.from('text')),
    refusal(bzImage(lz4, { version: 0x204 })),
    refusal(bzImage(lz4).subarray(0, 1560)),
    refusal(bzImage(Buffer.from('nothing that was ever compressed'))),
  ]).toMatchInlineSnapshot(`
    [
      "read the kernel /tmp/vmlinuz: ENOEXEC (hint: it is no bzImage: give it a vmlinuz of x86-64)",
      "read the kernel /tmp/vmlinuz: ENOEXEC (hint: it is older than Linux 2.6.26)",
      "read the kernel /tmp/vmlinuz: ENOEXEC (hint: it is cut short: 1560 bytes of 1573)",
      "read the kernel /tmp/vmlinuz: ENOEXEC (hint: its payload starts with 6e6f7468696e, which is no compression of Linux)",
    ]
  `);
});
