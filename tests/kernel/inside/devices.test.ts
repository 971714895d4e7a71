import { readdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Device } from '../../../src/spec/spec.ts';
import type { DeviceRule } from '../../../src/spec/resources.ts';
import { bundle, inside } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay');
const judged = able && needs('cgroup2');

const use = [
  'echo lost > /dev/null; head -c 3 /dev/zero | tr "\\000" z; echo',
  'head -c 9 /dev/urandom | wc -c; head -c 9 /dev/random | wc -c',
  'echo 1 2>&1 > /dev/full',
  'cat /dev/tty 2>&1',
  'for name in fd stdin stdout stderr ptmx core; do readlink /dev/$name; done',
  'stat -c "%n %F %t:%T %a" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty',
].join('; ');

const nodes = ['null 1:3', 'zero 1:5', 'full 1:7', 'random 1:8', 'urandom 1:9', 'tty 5:0'].map((each) => {
  const [name, number] = each.split(' ');
  return `/dev/${name} character special file ${number} 666`;
});

const used = [
  'zzz',
  '9',
  '9',
  'sh: write error: No space left on device',
  "cat: can't open '/dev/tty': No such device or address",
  ...['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', 'pts/ptmx', '/proc/kcore'],
  ...nodes,
];

test.runIf(able)('the devices that every program expects are there and work', async () => {
  expect((await inside(use)).split('\n')).toEqual(used);
});

test.runIf(able)('they work in a user namespace, which cannot make others', async () => {
  const request = { namespaces: { user: 'new' as const } };
  expect((await inside(use, request)).split('\n')).toEqual(used);
  expect(await inside('mknod /tmp/null c 1 3 2>&1; true', request)).toBe('mknod: /tmp/null: Operation not permitted');
});

test.runIf(able)('there are no others', async () => {
  const names = (await inside('ls /dev')).split('\n');
  const links = ['core', 'fd', 'ptmx', 'stderr', 'stdin', 'stdout'];
  const own = ['full', 'mqueue', 'null', 'pts', 'random', 'shm', 'tty', 'urandom', 'zero'];
  expect(names).toEqual([...links, ...own].sort());
});

/** The kernel's log: a device that containers do not get. */
const log = { type: 'c' as const, major: 1, minor: 11 };

test.runIf(judged)('a node of any other device can be made, but not opened', async () => {
  const attempt =
    'mknod /tmp/log c 1 11 && head -c 1 /tmp/log 2>&1 >/dev/null; mknod /tmp/null c 1 3; echo > /tmp/null && echo open';
  expect((await inside(attempt)).split('\n')).toEqual(['head: /tmp/log: Operation not permitted', 'open']);
  // The contrast: a privileged container may use what it likes.
  const opened = await inside('mknod /tmp/log c 1 11 && dd if=/tmp/log bs=8192 count=1 2>/dev/null | wc -l', {
    privileged: true,
  });
  expect(Number(opened)).toBeGreaterThan(0);
});

test.runIf(judged)('a device that was asked for can be used as was asked', async () => {
  const asked = (permissions: string) => ({
    devices: [{ source: '/dev/kmsg', target: '/dev/deep/log', permissions }],
    capAdd: ['SYSLOG'],
  });
  const attempt = '(true < /dev/deep/log && echo read; true > /dev/deep/log && echo write) 2>&1; true';
  expect(await inside(attempt, asked('r'))).toBe("read\nsh: can't create /dev/deep/log: Operation not permitted");
  expect(await inside(attempt, asked('w'))).toBe("sh: can't open /dev/deep/log: Operation not permitted\nwrite");
  expect(await inside(attempt, asked('rw'))).toBe('read\nwrite');
  const { mode } = statSync('/dev/kmsg');
  expect(await inside('stat -c "%t:%T %a" /dev/deep/log', asked('r'))).toBe(`1:b ${(mode & 0o777).toString(8)}`);
});

test.runIf(able)('a user namespace is shown the node of the host, under the name that was asked for', async () => {
  const devices = [{ source: '/dev/kmsg', target: '/dev/deep/log', permissions: 'rw' }];
  expect(await inside('stat -c %t:%T /dev/deep/log', { namespaces: { user: 'new' }, devices })).toBe('1:b');
});

test.runIf(judged)(
  'a privileged container has the devices of the host, and may do with the kernel what it likes',
  async () => {
    const look =
      'ls /dev; touch /sys/kernel/mm/transparent_hugepage/enabled 2>&1; grep -c /proc/ /proc/self/mountinfo; mount -t tmpfs none /mnt 2>/dev/null && echo mounted';
    const found = (await inside(look, { privileged: true })).split('\n');
    const hosts = readdirSync('/dev').filter((name) => /^(kmsg|fuse|loop-control|tty0|vda)$/.test(name));
    expect(hosts.length).toBeGreaterThan(0);
    for (const name of hosts) expect(found).toContain(name);
    expect(found.slice(-2)).toEqual(['0', 'mounted']);
    const plain = await inside(`${look}; true`);
    expect(plain).not.toContain('kmsg');
    expect(plain).toContain('Read-only file system');
  },
);

const withDevices = (devices: Device[], rules?: DeviceRule[]): string =>
  bundle((spec) => ({
    ...spec,
    process: { ...spec.process, capabilities: undefined },
    linux: { ...spec.linux, devices, ...(rules && { resources: { devices: rules } }) },
  }));

test.runIf(able)('nodes of a bundle have their type, number, mode and owner', async () => {
  const image = withDevices([
    { ...log, path: '/dev/log', fileMode: 0o640, uid: 12, gid: 34 },
    { path: '/dev/disk/by-number', type: 'b', major: 259, minor: 70_000, fileMode: 0o600 },
    { path: '/dev/unbuffered', type: 'u', major: 1, minor: 5 },
    { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o600 },
    { path: '/run/fifo', type: 'p', fileMode: 0o622 },
  ]);
  const look = 'stat -c "%F %t:%T %a %u:%g" /dev/log /dev/disk/by-number /dev/unbuffered /dev/null /run/fifo';
  expect((await inside(look, { image })).split('\n')).toEqual([
    'character special file 1:b 640 12:34',
    'block special file 103:11170 600 0:0',
    'character special file 1:5 666 0:0',
    'character special file 1:3 600 0:0',
    'fifo 0:0 622 0:0',
  ]);
});

test.runIf(judged)('the last rule that matches decides about a device', async () => {
  const everything: DeviceRule = { allow: false, access: 'rwm' };
  const memory: DeviceRule = { allow: true, type: 'c', major: 1, access: 'rwm' };
  const unwritable: DeviceRule = { allow: false, ...log, access: 'w' };
  const image = withDevices(
    [
      { ...log, path: '/dev/log' },
      { type: 'c', major: 10, minor: 229, path: '/dev/other' },
    ],
    [everything, memory, unwritable],
  );
  const attempt =
    '(true < /dev/log && echo read; true > /dev/log; true < /dev/other; true > /dev/null && echo null) 2>&1';
  expect((await inside(attempt, { image })).split('\n')).toEqual([
    'read',
    "sh: can't create /dev/log: Operation not permitted",
    "sh: can't open /dev/other: Operation not permitted",
    'null',
  ]);
});
