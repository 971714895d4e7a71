import { expect, test } from 'vitest';
import { newestKept } from '../../../src/vm/kernel.ts';
import { formatsOf } from '../../../src/vm/disk.ts';

test('the newest kernel of a flavour is that with the highest number, not the last in the alphabet', () => {
  const names = [
    'linux-image-6.1.0-9-cloud-amd64_6.1.27-1',
    'linux-image-6.1.0-18-cloud-amd64_6.1.76-1',
    'linux-image-6.1.0-18-cloud-amd64_6.1.176-1',
    'linux-image-6.12.3-amd64_6.12.3-1',
    'linux-image-6.1.0-18-amd64_6.1.76-1',
    'own-0123456789abcdef',
  ];
  expect(newestKept(names, 'cloud')).toBe('linux-image-6.1.0-18-cloud-amd64_6.1.176-1');
  expect(newestKept(names, 'full')).toBe('linux-image-6.12.3-amd64_6.12.3-1');
  expect(newestKept([], 'cloud')).toBeUndefined();
});

test('a kernel mounts what it has built in or as a module, and anything if nobody knows', () => {
  const modules = { dir: '/', builtin: ['ext4'], modules: { erofs: { file: 'erofs.ko', needs: [] } } };
  expect(formatsOf({ modules })).toEqual(['erofs', 'ext4']);
  expect(formatsOf({ modules: undefined })).toEqual(['erofs', 'squashfs', 'ext4']);
});
