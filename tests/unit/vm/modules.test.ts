import { expect, test } from 'vitest';
import { connect, factsOf, loadOrder } from '../../../src/vm/modules.ts';
import { withSection } from './elf-files.ts';

const facts = (text: string) => factsOf(withSection('.modinfo', Buffer.from(text)));

test('a module says itself what it needs, softly or not, and what it is called besides', () => {
  expect(facts('license=GPL\0depends=virtio,virtio_ring\0name=virtio_blk\0alias=virtio:d00000002v*\0')).toEqual({
    depends: ['virtio', 'virtio_ring'],
    before: [],
    aliases: [],
  });
  expect(facts('depends=\0name=virtio\0')).toEqual({ depends: [], before: [], aliases: [] });
  expect(facts('softdep=pre: crypto-crc32c crc32c post: other\0depends=jbd2\0').before).toEqual([
    'crypto_crc32c',
    'crc32c',
  ]);
  expect(facts('alias=crypto-crc32c\0alias=crc32c\0').aliases).toEqual(['crypto_crc32c', 'crc32c']);
  expect(factsOf(Buffer.from('no module'))).toEqual({ depends: [], before: [], aliases: [] });
});

test('of all modules that provide what is needed, that for every processor is taken', () => {
  const nothing = { depends: [], before: [], aliases: [] };
  const modules = connect(
    new Map([
      ['libcrc32c', { ...nothing, file: 'libcrc32c.ko', before: ['crc32c', 'nobody'], depends: ['crc'] }],
      ['crc32c_intel', { ...nothing, file: 'crc32c-intel.ko', aliases: ['crc32c'] }],
      ['crc32c_generic', { ...nothing, file: 'crc32c_generic.ko', aliases: ['crc32c', 'crypto_crc32c'] }],
    ]),
  );
  expect(modules.libcrc32c?.needs).toEqual(['crc32c_generic', 'nobody', 'crc']);
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
