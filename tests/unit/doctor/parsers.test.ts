import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseLimits } from '../../../src/doctor/limits.ts';
import { findVersion } from '../../../src/doctor/probes/peers.ts';
import { filesystemsInUse } from '../../../src/doctor/probes/root-filesystem.ts';
import { freeRange, grantees, rangeText } from '../../../src/doctor/subordinate-ids.ts';
import { parseMountinfo } from '../../../src/linux/proc.ts';

test('limits: numbers and unlimited, by the names of the kernel', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max core file size        0                    unlimited            bytes     ',
    'Max open files            1024                 524288               files     ',
    'Max nice priority         0                    0                    ',
  ].join('\n');
  expect([...parseLimits(text)]).toEqual([
    ['Max cpu time', { soft: Infinity, hard: Infinity }],
    ['Max core file size', { soft: 0, hard: Infinity }],
    ['Max open files', { soft: 1024, hard: 524288 }],
    ['Max nice priority', { soft: 0, hard: 0 }],
  ]);
});

test('limits: those of this process', () => {
  expect([...parseLimits(readFileSync('/proc/self/limits', 'utf8')).keys()]).toContain('Max open files');
});

test('subordinate ids: a range that nobody has', () => {
  expect(freeRange('')).toEqual({ start: 100000, size: 65536 });
  expect(freeRange('alice:100000:65536\nbob:165536:65536\n')).toEqual({ start: 231072, size: 65536 });
  // Ids below the usual first are not a reason to begin there.
  expect(freeRange('# by hand\nalice:5000:10\nnonsense\n')).toEqual({ start: 100000, size: 65536 });
  expect(rangeText({ start: 100000, size: 65536 })).toBe('100000–165535');
});

test('subordinate ids: who has any', () => {
  expect(grantees('alice:100000:65536\nalice:300000:10\n1001:165536:65536\n# carol:1:1\nbob:5:0\n')).toEqual([
    'alice',
    '1001',
  ]);
});

test('versions: as the peers print them', () => {
  expect(findVersion('crun version 1.8.1\ncommit: f8a096be060b22ccd3d5f3ebe44108517fbf6c30\n')).toBe('1.8.1');
  expect(findVersion('runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\n')).toBe('1.1.5+ds1');
  expect(findVersion('bubblewrap 0.8.0\n')).toBe('0.8.0');
  expect(findVersion('Docker version 28.2.2, build e6534b4\n')).toBe('28.2.2');
  expect(findVersion('')).toBeUndefined();
});

test('filesystems: one place for each sort, and what is mounted last counts', () => {
  const mounts = parseMountinfo(
    [
      '1 0 254:0 / / rw - ext4 /dev/vda rw',
      '2 1 254:1 / /home rw - ext4 /dev/vdb rw',
      '3 2 254:2 / /home rw - xfs /dev/vdc rw',
      '4 1 254:3 / /var rw - btrfs /dev/vdd rw',
      '5 1 0:30 / /srv rw - tmpfs tmpfs rw',
      '6 1 254:4 / /opt rw - f2fs /dev/vde rw',
    ].join('\n'),
  );
  expect(filesystemsInUse(mounts)).toEqual([
    ['ext4', '/'],
    ['xfs', '/home'],
    ['btrfs', '/var'],
  ]);
});
