import { expect, test } from 'vitest';
import { cacheDir } from '../../../src/linux/cache-dir.ts';

test('root has caches for the machine, others their own, and nobody a relative one', () => {
  expect(cacheDir('seccomp', 0, { HOME: '/root', XDG_CACHE_HOME: '/root/x' })).toBe('/var/cache/tare/seccomp');
  expect(cacheDir('vm', 1000, { HOME: '/home/u', XDG_CACHE_HOME: '/c' })).toBe('/c/tare/vm');
  expect(cacheDir('vm', 1000, { HOME: '/home/u', XDG_CACHE_HOME: 'c' })).toBe('/home/u/.cache/tare/vm');
  expect(cacheDir('vm', 1000, {})).toBeUndefined();
});
