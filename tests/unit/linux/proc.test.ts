import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  parseCgroupMembership,
  parseIdMap,
  parseMountinfo,
  parseNamespaceInode,
  parseStatus,
  readCgroupMembership,
  readIdMap,
  readMountinfo,
  readNamespaces,
  readStatus,
} from '../../../src/linux/proc.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/proc/${name}`, import.meta.url), 'utf8');

test('mountinfo: names with blanks, tabs, backslashes and hashes come out as they were given', () => {
  const mounts = parseMountinfo(fixture('mountinfo.odd'));
  expect(mounts.map(({ root, mountPoint, source }) => [root, mountPoint, source])).toEqual([
    ['/', '/tmp/cap/a b', 'sp ace#1'],
    ['/sub dir', '/tmp/cap/peer', 'sp ace#1'],
    ['/', '/tmp/cap/slave', 'sp ace#1'],
    ['/', '/tmp/cap/unb', 'none'],
    ['/', '/tmp/cap/tab\there', ''],
    ['/', '/tmp/cap/back\\slash', 'x'],
  ]);
});

test('mountinfo: any number of optional fields', () => {
  expect(parseMountinfo(fixture('mountinfo.odd')).map(({ propagation }) => propagation)).toEqual([
    { shared: 1 },
    { shared: 1 },
    { shared: 2, master: 1 },
    { unbindable: true },
    {},
    {},
  ]);
  expect(parseMountinfo('9 8 0:1 / /x rw master:3 propagate_from:2 - tmpfs none rw')[0]?.propagation).toEqual({
    master: 3,
    propagateFrom: 2,
  });
});

test('mountinfo: every field of a line, and nothing of a line cut short', () => {
  expect(parseMountinfo('67 43 259:41 /r /x ro,noexec - fuse.sshfs me@host ro,size=64k\n68 43 0:42 / /y rw - tm'))
    .toMatchInlineSnapshot(`
      [
        {
          "id": 67,
          "major": 259,
          "minor": 41,
          "mountPoint": "/x",
          "options": [
            "ro",
            "noexec",
          ],
          "parent": 43,
          "propagation": {},
          "root": "/r",
          "source": "me@host",
          "superOptions": [
            "ro",
            "size=64k",
          ],
          "type": "fuse.sshfs",
        },
      ]
    `);
});

test('cgroup membership: v1 controllers, a named hierarchy, v2, a path with a colon, a removed group', () => {
  const text = '9:name=systemd:/\n4:cpu,cpuacct:/a:b\n0::/user.slice/x.scope (deleted)\n';
  expect(parseCgroupMembership(text)).toEqual([
    { hierarchy: 9, controllers: ['name=systemd'], path: '/', deleted: false },
    { hierarchy: 4, controllers: ['cpu', 'cpuacct'], path: '/a:b', deleted: false },
    { hierarchy: 0, controllers: [], path: '/user.slice/x.scope', deleted: true },
  ]);
});

test('status: an unprivileged process in a nested pid namespace', () => {
  const { namespacedPids, uid, groups, capabilities, noNewPrivileges, seccomp, umask, residentBytes } = parseStatus(
    fixture('status.limited'),
  );
  expect(namespacedPids).toEqual([13738, 1]);
  expect(uid).toEqual({ real: 1000, effective: 1000, saved: 1000, filesystem: 1000 });
  expect(groups).toEqual([27, 44]);
  expect(capabilities.ambient).toBe(1n << 10n);
  expect(capabilities.bounding).toBe(0x1fffeffffffn);
  expect(noNewPrivileges).toBe(true);
  expect([seccomp, umask, residentBytes]).toEqual(['disabled', 0o022, 1728 * 1024]);
});

test('status: a zombie and a kernel thread have no resident memory', () => {
  expect(parseStatus(fixture('status.zombie'))).toMatchObject({ state: 'Z', residentBytes: undefined });
  expect(parseStatus(fixture('status.kthread'))).toMatchObject({ name: 'kthreadd', pid: 2, residentBytes: undefined });
});

test('status: a kernel without seccomp says nothing about it', () => {
  expect(parseStatus('Name:\tsh\nPid:\t7\n')).toMatchObject({ pid: 7, seccomp: undefined, noNewPrivileges: false });
});

test('id maps: none, one, several; the whole range', () => {
  expect(parseIdMap('')).toEqual([]);
  expect(parseIdMap('         0          0 4294967295\n')).toEqual([{ containerID: 0, hostID: 0, size: 4294967295 }]);
  expect(parseIdMap('0 1000 1\n1 100000 65536\n')).toEqual([
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 65536 },
  ]);
});

test('namespace links', () => {
  expect(parseNamespaceInode('mnt:[4026531832]')).toBe(4026531832);
  expect(parseNamespaceInode('/dev/null')).toBeUndefined();
});

test('the readers see this very process', () => {
  expect(readStatus().pid).toBe(process.pid);
  expect(readStatus(process.pid).uid.real).toBe(process.getuid?.());
  expect(readMountinfo().some(({ mountPoint, type }) => mountPoint === '/proc' && type === 'proc')).toBe(true);
  expect(readCgroupMembership().length).toBeGreaterThan(0);
  expect(readIdMap('self', 'uid').length).toBeGreaterThan(0);
  expect(readNamespaces().mnt).toBe(readNamespaces(process.pid).mnt);
});
