import { expect, test } from 'vitest';
import { cgroupfs, planCgroup } from '../../../src/cgroup/cgroupfs.ts';
import type { CgroupPlan, CgroupRequest } from '../../../src/cgroup/driver.ts';
import { cgroupDriver } from '../../../src/cgroup/drivers.ts';
import type { CgroupHost } from '../../../src/cgroup/hierarchy.ts';
import { hybrid, readOnly, session, systemdRoot, userScope } from './hosts.ts';

const nothing = (): ReadonlyMap<string, readonly string[]> => new Map();
const plan = (host: CgroupHost, request: CgroupRequest, enabled = nothing): CgroupPlan | undefined =>
  planCgroup(host, request, enabled);

/** The plan as a shell would do it. */
const shell = (found: CgroupPlan | undefined): string[] =>
  found === undefined
    ? []
    : [
        ...found.directories.map(({ path, allow }) => `mkdir ${allow === undefined ? '' : '-p '}${path}`),
        ...found.enable.map(({ file, value }) => `echo ${value} > ${file}`),
        ...found.limits.map(({ file, value }) => `echo ${value} > ${found.path}/${file}`),
      ];

test('without limits there is a group and nothing else', () => {
  expect(shell(plan(hybrid(), { id: 'web' }))).toMatchInlineSnapshot(`
    [
      "mkdir -p /sys/fs/cgroup/unified/tare",
      "mkdir /sys/fs/cgroup/unified/tare/web",
    ]
  `);
});

test('a limit is passed down from the top', () => {
  const resources = { memory: { limit: 1048576 }, pids: { limit: 9 } };
  expect(shell(plan(systemdRoot(), { id: 'web', resources }))).toMatchInlineSnapshot(`
    [
      "mkdir -p /sys/fs/cgroup/tare",
      "mkdir /sys/fs/cgroup/tare/web",
      "echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control",
      "echo +memory +pids > /sys/fs/cgroup/tare/cgroup.subtree_control",
      "echo 1048576 > /sys/fs/cgroup/tare/web/memory.max",
      "echo 9 > /sys/fs/cgroup/tare/web/pids.max",
    ]
  `);
});

test('what will be looked at is counted: other controllers are passed on where that is possible', () => {
  const host = { ...systemdRoot(), counts: true, grantable: ['cpu', 'memory'] };
  const found = plan(host, { id: 'web', resources: { memory: { limit: 1048576 } } });
  expect(shell(found).filter((line) => line.includes('subtree'))).toMatchInlineSnapshot(`
    [
      "echo +memory > /sys/fs/cgroup/cgroup.subtree_control",
      "echo +memory > /sys/fs/cgroup/tare/cgroup.subtree_control",
      "echo +cpu > /sys/fs/cgroup/cgroup.subtree_control",
      "echo +cpu > /sys/fs/cgroup/tare/cgroup.subtree_control",
    ]
  `);
  const allowed = found?.enable.map(({ value, allow = [] }) => [value, allow.includes('EBUSY')]);
  expect(allowed).toContainEqual(['+memory', false]);
  expect(allowed).toContainEqual(['+cpu', true]);
});

test('controllers that are passed on already are left alone', () => {
  const resources = { memory: { limit: 1048576 }, pids: { limit: 9 } };
  const enabled = () =>
    new Map([
      ['/sys/fs/cgroup', ['cpu', 'memory', 'pids']],
      ['/sys/fs/cgroup/tare', ['memory']],
    ]);
  expect(plan(systemdRoot(), { id: 'web', resources }, enabled)?.enable).toMatchInlineSnapshot(`
    [
      {
        "file": "/sys/fs/cgroup/tare/cgroup.subtree_control",
        "hints": {
          "EBUSY": "processes live in /sys/fs/cgroup/tare itself; move them to a group below it ("no internal processes")",
          "EINVAL": undefined,
          "ENOENT": "/sys/fs/cgroup/tare is not given pids: see its cgroup.controllers",
          "EOPNOTSUPP": "/sys/fs/cgroup/tare is threaded, and pids may need a domain: see its cgroup.type",
        },
        "value": "+pids",
        "why": "let groups under /sys/fs/cgroup/tare have pids",
      },
    ]
  `);
});

test('a path of the spec is absolute from the mount, or lies with our other groups', () => {
  expect(plan(systemdRoot(), { id: 'web', cgroupsPath: '/a/b' })?.directories.map(({ path }) => path)).toEqual([
    '/sys/fs/cgroup/a',
    '/sys/fs/cgroup/a/b',
  ]);
  expect(plan(systemdRoot(), { id: 'web', cgroupsPath: 'a/b' })?.path).toBe('/sys/fs/cgroup/tare/a/b');
});

test.each(['/', '/..', '/../../etc', '..', '../..', '.', 'a\nb', '/user.slice/../..'])(
  'no path leads out of what is ours: %j',
  (cgroupsPath) => {
    expect(() => plan(systemdRoot(), { id: 'web', cgroupsPath })).toThrow('would not lie below');
  },
);

test('a user’s path must lie in what is delegated', () => {
  expect(() => plan(userScope(), { id: 'web', cgroupsPath: '/system.slice/web' })).toThrowErrorMatchingInlineSnapshot(
    `[TareError: make the cgroup "/system.slice/web": it would not lie below /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice (hint: name one that does in linux.cgroupsPath, or none)]`,
  );
});

test('where no group can be made, a container without limits shares ours', () => {
  expect(plan(session(), { id: 'web' })).toBeUndefined();
  expect(plan(readOnly(), { id: 'web', resources: { devices: [{ allow: false }] } })).toBeUndefined();
  expect(() => plan(session(), { id: 'web', resources: { pids: { limit: 1 } } })).toThrow('cannot limit pids');
  expect(() => plan(readOnly(), { id: 'web', resources: { unified: { 'cgroup.max.depth': '1' } } })).toThrow(
    'cannot set cgroup.max.depth',
  );
});

test('device rules become a program; rules that allow everything do not', () => {
  const devices = (rules: NonNullable<CgroupRequest['resources']>['devices']): CgroupPlan['devices'] =>
    plan(systemdRoot(), { id: 'web', resources: { devices: rules } })?.devices;
  expect(devices([{ allow: false }, { allow: true, type: 'c', major: 10, minor: 229 }])?.why).toMatchInlineSnapshot(
    `"allow devices by rule: deny a *:* rwm, allow c 10:229 rwm; and those every container has"`,
  );
  expect(devices([{ allow: false }, { allow: true }])).toBeUndefined();
  expect(devices(undefined)).toBeUndefined();
});

test('the registry knows its drivers by name', async () => {
  expect(await cgroupDriver('cgroupfs', true)).toBe(cgroupfs);
  expect(await cgroupDriver('systemd', true)).toMatchObject({ name: 'systemd' });
});
