import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isElf, linuxRelease, pvhEntry, section } from '../../../src/vm/elf.ts';
import { withNotes, withSection } from './elf-files.ts';

const address = Buffer.from([0x50, 0x08, 0x00, 0x01]);

test('the PVH entry is the address in the note of Xen that is made for it', () => {
  const others = [
    { owner: 'Xen', type: 6, body: Buffer.from('linux\0') },
    { owner: 'GNU', type: 18, body: Buffer.from([1, 2, 3, 4]) },
  ];
  expect(pvhEntry(withNotes(...others, { owner: 'Xen', type: 18, body: address }))).toBe(0x1000850);
  expect(pvhEntry(withNotes(...others))).toBeUndefined();
  expect(pvhEntry(Buffer.from('no ELF file'))).toBeUndefined();
});

test('a section is found by its whole name', () => {
  const file = withSection('.modinfo', Buffer.from('name=virtio\0'));
  expect(section(file, '.modinfo')?.toString()).toBe('name=virtio\0');
  expect(section(file, '.mod')).toBeUndefined();
  expect(section(Buffer.from('no ELF file'), '.modinfo')).toBeUndefined();
});

test('the release is what Linux calls its version', () => {
  expect(linuxRelease(Buffer.from('…\0Linux version 6.1.0-18-cloud-amd64 (debian…) #1\0'))).toBe(
    '6.1.0-18-cloud-amd64',
  );
  expect(linuxRelease(Buffer.from('something else'))).toBe('');
});

test('no damage to a file makes reading it fail otherwise than by finding nothing', () => {
  const files = [withSection('.modinfo', Buffer.from('a=b')), withNotes({ owner: 'Xen', type: 18, body: address })];
  const damage = fc.array(fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 })), { maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...files), damage, fc.nat({ max: 400 }), (whole, bytes, length) => {
      const file = Buffer.from(whole.subarray(0, length));
      for (const [at, value] of bytes) if (at < file.length) file[at] = value;
      expect(isElf(file) || (section(file, '.modinfo') === undefined && pvhEntry(file) === undefined)).toBe(true);
      section(file, '.modinfo');
      pvhEntry(file);
    }),
  );
});
