import { expect, test } from 'vitest';
import { loadOrder, needsOf } from '../../../src/vm/modules.ts';
import { withSection } from './elf-files.ts';

const needs = (text: string): string[] => needsOf(withSection('.modinfo', Buffer.from(text)));

test('a module says itself what it needs, softly or not', () => {
  expect(needs('license=GPL\0depends=virtio,virtio_ring\0name=virtio_blk\0')).toEqual(['virtio', 'virtio_ring']);
  expect(needs('depends=\0name=virtio\0')).toEqual([]);
  expect(needs('softdep=pre: crypto-crc32c crc32c post: other\0depends=jbd2\0')).toEqual([
    'crypto_crc32c',
    'crc32c',
    'jbd2',
  ]);
  expect(needsOf(Buffer.from('no module'))).toEqual([]);
});

const index = {
  builtin: ['ext4', 'crc32c_generic'],
  modules: {
    virtio_ring: { file: 'virtio/virtio_ring.ko', needs: [] },
    virtio: { file: 'virtio/virtio.ko', needs: ['virtio_ring'] },
    virtio_blk: { file: 'block/virtio_blk.ko', needs: ['virtio_ring', 'virtio'] },
    virtio_rng: { file: 'char/virtio-rng.ko', needs: ['virtio', 'crypto_crc32c'] },
    left: { file: 'left.ko', needs: ['right'] },
    right: { file: 'right.ko', needs: ['left'] },
  },
};
const order = (...wanted: string[]): string[] => loadOrder(index, wanted, '6.1.0');

test('what a module needs is loaded before it, once, and what is built in is not', () => {
  expect(order('virtio-rng', 'virtio_blk', 'ext4')).toEqual([
    'virtio/virtio_ring.ko',
    'virtio/virtio.ko',
    'char/virtio-rng.ko',
    'block/virtio_blk.ko',
  ]);
  expect(order()).toEqual([]);
});

test('modules that need each other come to an end', () => {
  expect(order('left').toSorted()).toEqual(['left.ko', 'right.ko']);
});

test('all that a kernel lacks is said at once', () => {
  expect(() => order('e1000', 'virtio', 'ahci')).toThrowErrorMatchingInlineSnapshot(
    `[TareError: load e1000, ahci in a machine with Linux 6.1.0: ENOENT (hint: this kernel has no such module: choose another with --kernel)]`,
  );
});
