/** The archive that the kernel unpacks, read back by its own description and nothing else; and modules without signatures. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Entry, withoutSignature, writeInitramfs } from '../../../src/vm/initramfs.ts';

interface Found {
  readonly path: string;
  readonly mode: string;
  readonly device: readonly [major: number, minor: number];
  readonly content: string;
}

function readArchive(bytes: Buffer): Found[] {
  const found: Found[] = [];
  for (let at = 0; ;) {
    const number = (index: number) => parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const [size, nameSize] = [number(6), number(11)];
    const path = bytes.toString('utf8', at + 110, at + 110 + nameSize - 1);
    const start = (at + 110 + nameSize + 3) & ~3;
    if (path === 'TRAILER!!!') return found;
    const content = bytes.toString('latin1', start, start + size);
    found.push({ path, mode: number(1).toString(8), device: [number(9), number(10)], content });
    at = (start + size + 3) & ~3;
  }
}

test('files, directories and devices are found as they were put in', () => {
  const entries: Entry[] = [
    { kind: 'file', path: 'init', mode: 0o755, content: Buffer.from('#!') },
    { kind: 'directory', path: 'dev', mode: 0o755 },
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'empty', mode: 0o644, content: new Uint8Array() },
  ];
  expect(readArchive(writeInitramfs(entries))).toEqual([
    { path: 'init', mode: '100755', device: [0, 0], content: '#!' },
    { path: 'dev', mode: '40755', device: [0, 0], content: '' },
    { path: 'dev/console', mode: '20600', device: [5, 1], content: '' },
    { path: 'empty', mode: '100644', device: [0, 0], content: '' },
  ]);
});

test('names and contents of any length keep what follows in its place', () => {
  const file = fc.record({
    path: fc.stringMatching(/^[a-z]{1,12}$/),
    content: fc.uint8Array({ maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 8 }), (files) => {
      const archive = writeInitramfs(files.map((each) => ({ kind: 'file', mode: 0o644, ...each })));
      expect(archive.length % 4).toBe(0);
      expect(readArchive(archive).map(({ path, content }) => [path, content])).toEqual(
        files.map(({ path, content }) => [path, Buffer.from(content).toString('latin1')]),
      );
    }),
  );
});

test('a module loses its signature, and nothing else', () => {
  const code = Buffer.from('\x7fELF module');
  const marker = Buffer.from('~Module signature appended~\n');
  const header = Buffer.alloc(12);
  header.writeUInt32BE(5, 8);
  expect(withoutSignature(Buffer.concat([code, Buffer.from('SIGNS'), header, marker]))).toEqual(code);
  expect(withoutSignature(code)).toEqual(code);
  header.writeUInt32BE(5000, 8);
  const broken = Buffer.concat([code, header, marker]);
  expect(withoutSignature(broken)).toEqual(broken);
});
