import { expect, test } from 'vitest';
import { describeCgroups, findHierarchies, probeCgroups, readEnabled } from '../../../src/cgroup/hierarchy.ts';
import { parseCgroupMembership, parseMountinfo } from '../../../src/linux/proc.ts';
import { hybrid, nested, readOnly, session, systemdRoot, userScope, without } from './hosts.ts';

test('beside v1 controllers, v2 is /sys/fs/cgroup/unified and has what v1 left', () => {
  expect(hybrid()).toMatchInlineSnapshot(`
    {
      "controllers": [
        "hugetlb",
      ],
      "delegated": "/sys/fs/cgroup/unified",
      "grantable": [
        "hugetlb",
      ],
      "inhabited": false,
      "mount": "/sys/fs/cgroup/unified",
      "own": "/sys/fs/cgroup/unified",
      "parent": "/sys/fs/cgroup/unified/tare",
      "v1": {
        "blkio": "/sys/fs/cgroup/blkio",
        "cpu": "/sys/fs/cgroup/cpu",
        "cpuacct": "/sys/fs/cgroup/cpuacct",
        "cpuset": "/sys/fs/cgroup/cpuset",
        "devices": "/sys/fs/cgroup/devices",
        "freezer": "/sys/fs/cgroup/freezer",
        "memory": "/sys/fs/cgroup/memory",
        "pids": "/sys/fs/cgroup/pids",
      },
      "v1Grantable": [
        "cpu",
        "cpuacct",
        "cpuset",
        "memory",
        "blkio",
        "pids",
      ],
    }
  `);
});

test('for root everything under the mount is ours, though the root group holds processes', () => {
  expect(systemdRoot()).toMatchObject({
    mount: '/sys/fs/cgroup',
    v1: {},
    own: '/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope',
    delegated: '/sys/fs/cgroup',
    parent: '/sys/fs/cgroup/tare',
    inhabited: false,
  });
  expect(systemdRoot().grantable).toContain('io');
});

test('a login session is nobody’s to divide', () => {
  expect(session()).toMatchObject({ delegated: undefined, parent: undefined, grantable: [] });
  expect(session().controllers).toContain('memory');
});

test('a user’s scope holds us, so the slice above it is divided', () => {
  const slice = '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice';
  expect(userScope()).toMatchObject({
    delegated: slice,
    parent: `${slice}/tare`,
    grantable: ['cpu', 'memory', 'pids'],
  });
});

test('a namespace root full of processes can hold groups, without controllers', () => {
  expect(nested()).toMatchObject({ delegated: '/sys/fs/cgroup', inhabited: true, grantable: [] });
});

test('a read-only mount is nobody’s to divide', () => {
  expect(readOnly()).toMatchObject({ own: '/sys/fs/cgroup', delegated: undefined });
});

test('without cgroup v2 there is nothing', () => {
  expect(without()).toMatchObject({ mount: undefined, delegated: undefined, controllers: [] });
});

test('v1: joined controllers, named hierarchies and flags of the superblock', () => {
  const { v1, unified } = findHierarchies(
    parseMountinfo(`
31 25 0:27 / /sys/fs/cgroup/systemd rw shared:8 - cgroup cgroup rw,xattr,name=systemd
32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
33 25 0:29 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset,noprefix,release_agent=/sbin/x
`),
  );
  expect(v1).toEqual({
    cpu: '/sys/fs/cgroup/cpu,cpuacct',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
    cpuset: '/sys/fs/cgroup/cpuset',
  });
  expect(unified).toBeUndefined();
});

test('of several v2 mounts the usual place is taken, whatever their order', () => {
  const mounts = ['/mnt/x', '/sys/fs/cgroup/unified', '/sys/fs/cgroup', '/mnt/y'].map(
    (at, index) => `${index} 1 0:22 / ${at} rw - cgroup2 cgroup2 rw`,
  );
  const at = (lines: string[]): string | undefined =>
    findHierarchies(parseMountinfo(lines.join('\n'))).unified?.mountPoint;
  expect(at(mounts)).toBe('/sys/fs/cgroup');
  expect(at(mounts.toReversed())).toBe('/sys/fs/cgroup');
  expect(at(mounts.filter((line) => !line.includes('/sys/')))).toBe('/mnt/y');
});

test('our own group is found under a mount that shows only a part', () => {
  const part = parseMountinfo('25 22 0:22 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw');
  const none = { read: () => undefined, writable: () => false };
  const own = (path: string): string | undefined =>
    describeCgroups(part, parseCgroupMembership(`0::${path}\n`), none).own;
  expect(own('/docker/abc')).toBe('/sys/fs/cgroup');
  expect(own('/docker/abc/inner')).toBe('/sys/fs/cgroup/inner');
  expect(own('/docker/abcd')).toBeUndefined();
  expect(own('/../abc')).toBeUndefined();
});

test('this host can be probed by whoever runs the tests', () => {
  const { mount, parent, delegated } = probeCgroups();
  expect(parent === undefined).toBe(delegated === undefined);
  if (mount !== undefined) expect(readEnabled([mount, '/no/such']).get('/no/such')).toEqual([]);
});
