import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeChange, type Snapshot } from '../../../src/launch/change.ts';
import { parseCgroupMembership, parseMountinfo, parseStatus } from '../../../src/linux/proc.ts';

const status = readFileSync(new URL('../../../fixtures/proc/status.limited', import.meta.url), 'utf8');

const mountinfo = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '23 22 0:21 / /proc rw,nosuid shared:2 - proc proc rw',
  '24 22 0:22 / /srv/root rw - overlay overlay rw,lowerdir=/l',
];

const before: Snapshot = {
  namespaces: { mnt: 10, net: 20, pid: 30 },
  mounts: parseMountinfo(mountinfo.join('\n')),
  status: parseStatus(status),
  cgroups: parseCgroupMembership('4:memory:/a\n0::/a'),
  fds: { 0: '/dev/null', 3: 'socket:[7]' },
  root: '/',
  cwd: '/home',
};

const change = (more: Partial<Snapshot>): string[] => describeChange(before, { ...before, ...more });
const mounts = (...lines: string[]): string[] => change({ mounts: parseMountinfo(lines.join('\n')) });
const field = (pattern: RegExp, value: string): string[] =>
  change({ status: parseStatus(status.replace(pattern, value)) });
const [root = '', proc = '', overlay = ''] = mountinfo;

test('nothing has changed', () => {
  expect(change({})).toEqual([]);
});

test('a namespace is another one, or there for the first time', () => {
  expect(change({ namespaces: { mnt: 10, net: 21, pid: 30, time: 40 } })).toEqual([
    'network namespace: 20 → 21',
    'time namespace: none → 40',
  ]);
});

test('in another mount namespace every mount is another one', () => {
  const copies = parseMountinfo('90 1 8:1 / / rw - ext4 /dev/sda1 rw');
  expect(change({ namespaces: { ...before.namespaces, mnt: 11 }, mounts: copies })).toEqual([
    'mount namespace: 10 → 11',
    'mount table: another one, of 1',
  ]);
});

test('a mount comes, goes, moves, changes', () => {
  expect(mounts(root, proc, overlay, '25 24 0:23 /sub /srv/root/data ro,nodev - tmpfs tmpfs rw')).toEqual([
    'mounted tmpfs /sub on /srv/root/data: ro,nodev',
  ]);
  expect(mounts(root, overlay)).toEqual(['unmounted /proc']);
  expect(mounts(root, proc, overlay.replace('/srv/root', '/'))).toEqual(['mount point: /srv/root → /']);
  expect(mounts(root, proc, overlay.replace(' rw - ', ' ro - '))).toEqual(['options of /srv/root: rw → ro']);
  expect(mounts(root.replace('shared:1', 'master:1'), proc, overlay.replace('rw -', 'rw unbindable -'))).toEqual([
    'propagation of /: shared with group 1 → slave of group 1',
    'propagation of /srv/root: private → unbindable',
  ]);
});

test('more of a kind are counted', () => {
  const many = Array.from({ length: 9 }, (_, index) => `${30 + index} 22 0:9 / /m${index} rw - tmpfs tmpfs rw`);
  expect(mounts(...mountinfo, ...many)).toEqual([
    'mounted tmpfs on /m0: rw',
    'mounted tmpfs on /m1: rw',
    'mounted tmpfs on /m2: rw',
    '… and 6 more like it',
  ]);
});

test('credentials: one number where all four are the same', () => {
  expect(field(/^Uid:.*$/m, 'Uid:\t0\t0\t0\t0')).toEqual(['user: 1000 → 0']);
  expect(field(/^Uid:.*$/m, 'Uid:\t5\t6\t7\t8')).toEqual(['user: 1000 → 5 (effective 6, saved 7, filesystem 8)']);
  expect(field(/^Groups:.*$/m, 'Groups:\t4 24 ')).toEqual(['groups: 27 44 → 4 24']);
  expect(field(/^Umask:.*$/m, 'Umask:\t0000')).toEqual(['umask: 0022 → 0000']);
  expect(field(/^NSpid:.*$|^NStgid:.*$/gm, 'NStgid:\t77\t1')).toEqual(['pid: 13738 1 → 77 1']);
});

test('capabilities by their names, lost and gained', () => {
  const bounded = parseStatus(status.replace(/^CapBnd:.*$/m, 'CapBnd:\t0000000000000020'));
  const { capabilities } = bounded;
  const other = { ...bounded, capabilities: { ...capabilities, bounding: 0x40n, permitted: (1n << 50n) - 1n } };
  const none = { ...bounded, capabilities: { ...capabilities, permitted: 0n } };
  expect(describeChange({ ...before, status: none }, { ...before, status: other })).toEqual([
    'bounding capabilities: without CAP_KILL',
    'bounding capabilities: with CAP_SETGID',
    'permitted capabilities: with CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and 47 more',
  ]);
});

test('what cannot be taken back', () => {
  expect(field(/^NoNewPrivs:.*$/m, 'NoNewPrivs:\t0')).toEqual(['no-new-privileges: on → off']);
  expect(field(/^Seccomp:.*$/m, 'Seccomp:\t2')).toEqual(['seccomp: disabled → filter']);
});

test('cgroups by their hierarchy, directories, open files', () => {
  expect(change({ cgroups: parseCgroupMembership('4:memory:/a\n0::/a/b') })).toEqual(['cgroup: /a → /a/b']);
  expect(change({ cgroups: parseCgroupMembership('4:memory:/c\n0::/a') })).toEqual(['cgroup of memory: /a → /c']);
  expect(change({ root: '/srv/root', cwd: '/' })).toEqual([
    'root directory: / → /srv/root',
    'working directory: /home → /',
  ]);
  expect(change({ fds: { 0: '/dev/pts/0', 5: '/proc' } })).toEqual([
    'opened 5: /proc',
    'closed 3: socket:[7]',
    'file 0: /dev/null → /dev/pts/0',
  ]);
});
