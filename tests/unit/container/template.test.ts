import { expect, test } from 'vitest';
import { Templates } from '../../../src/container/template.ts';
import type { Prepared } from '../../../src/container/prepared.ts';

const user = { uid: 0, gid: 0, additionalGids: [] };
const options = { payloadFds: 3, waitForStart: false, dieWithParent: true };
const first = '0123456789ab';

const prepared = {
  id: first,
  spec: { hostname: first, process: { env: ['PATH=/bin', `HOSTNAME=${first}`] } },
  cgroup: {
    path: `/sys/fs/cgroup/tare/${first}`,
    directories: [
      { path: '/sys/fs/cgroup/tare', why: 'make the cgroup for our containers' },
      { path: `/sys/fs/cgroup/tare/${first}`, why: `make the cgroup ${first}`, hints: { EEXIST: `rmdir ${first}` } },
    ],
    enable: [],
    limits: [],
  },
} as unknown as Prepared;
const encoded = { bytes: Buffer.from(`..${first}\0HOSTNAME=${first}\0`), cells: new Map(), trace: 0 };

test('a request that was prepared before comes back under another id', () => {
  const templates = new Templates();
  const key = templates.keyOf({ image: 'busybox', args: ['true'] }, user, options) ?? '';
  expect(templates.find(key, 'ba9876543210')).toBeUndefined();
  templates.keep(key, prepared, encoded);
  const again = templates.find(key, 'ba9876543210');
  expect(again?.spec).toMatchObject({
    hostname: 'ba9876543210',
    process: { env: ['PATH=/bin', 'HOSTNAME=ba9876543210'] },
  });
  expect(again?.cgroup).toMatchObject({
    path: '/sys/fs/cgroup/tare/ba9876543210',
    directories: [
      { path: '/sys/fs/cgroup/tare' },
      {
        path: '/sys/fs/cgroup/tare/ba9876543210',
        why: 'make the cgroup ba9876543210',
        hints: { EEXIST: 'rmdir ba9876543210' },
      },
    ],
  });
  expect(again?.encoded?.patches).toEqual([
    { at: 2, text: 'ba9876543210' },
    { at: 24, text: 'ba9876543210' },
  ]);
});

test.each([
  { image: 'oci:/bundle' },
  { image: 'host' },
  { image: 'busybox', name: 'web' },
  { image: 'busybox', hostname: 'web' },
  { image: 'busybox', limits: { memory: '64m' } },
  { image: 'busybox', privileged: true },
  { image: 'busybox', devices: [] },
  { image: 'busybox', seccomp: '/profile.json' },
  { image: 'busybox', mounts: [{ type: 'bind' as const, source: '/a', target: '/b', options: [] }] },
])('%j depends on more than itself, and is prepared anew', (request) => {
  expect(new Templates().keyOf(request, user, options)).toBeUndefined();
});

test('another user, command or way of starting is another launch', () => {
  const templates = new Templates();
  const request = { image: 'busybox', args: ['true'] };
  const keys = [
    templates.keyOf(request, user, options),
    templates.keyOf(request, { ...user, uid: 1 }, options),
    templates.keyOf({ ...request, args: ['false'] }, user, options),
    templates.keyOf(request, user, { ...options, waitForStart: true }),
  ];
  expect(new Set(keys).size).toBe(4);
});
