/** What v1 holds is limited in groups of v1, beside the one of v2. */
import { expect, test } from 'vitest';
import { planCgroup } from '../../../src/cgroup/cgroupfs.ts';
import type { CgroupRequest } from '../../../src/cgroup/driver.ts';
import type { CgroupHost } from '../../../src/cgroup/hierarchy.ts';
import type { ReadFile } from '../../../src/cgroup/plan-v1.ts';
import { compileCgroup, compileUpdate } from '../../../src/launch/cgroup.ts';
import type { Program } from '../../../src/launch/program.ts';
import { hybrid, hybridForV2, shared } from './hosts.ts';

const top: ReadFile = (file) =>
  ({ '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-3', '/sys/fs/cgroup/cpuset/cpuset.mems': '0' })[file] ?? '';

function programs(host: CgroupHost, request: CgroupRequest, read = top): { made: string[]; changed: string[] } {
  const plan = planCgroup(host, request, () => new Map(), read);
  if (plan === undefined) return { made: [], changed: [] };
  return { made: shell(compileCgroup(plan, { owner: '' }).program), changed: shell(compileUpdate(plan)) };
}

/** As a shell would do it; what is only opened is left out. */
function shell({ ops }: Program): string[] {
  let file = '';
  return ops.flatMap(({ call, args, allow = [], skip = 0 }) => {
    const text = typeof args[1] === 'string' ? args[1] : '';
    const fine =
      allow.length === 0 ? '' : ` || [ ${allow.join(' or ')} ]${skip > 0 ? `, without the next ${skip}` : ''}`;
    if (call === 'openat') file = text;
    if (call === 'mkdirat') return [`mkdir ${text}${fine}`];
    return call === 'write' ? [`echo ${text} > ${file}${fine}`] : [];
  });
}

test('a limit makes a group of the same path in the hierarchy of its controller, after the group of v2', () => {
  const resources = { memory: { limit: 1 << 26, swap: 1 << 27, reservation: 1 << 25 }, pids: { limit: 9 } };
  expect(programs(hybrid(), { id: 'web', resources }).made).toMatchInlineSnapshot(`
    [
      "mkdir /sys/fs/cgroup/unified/tare || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/unified/tare/web",
      "mkdir /sys/fs/cgroup/memory/tare || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/memory/tare/web || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/pids/tare || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/pids/tare/web || [ EEXIST ]",
      "echo 67108864 > /sys/fs/cgroup/memory/tare/web/memory.limit_in_bytes",
      "echo 134217728 > /sys/fs/cgroup/memory/tare/web/memory.memsw.limit_in_bytes",
      "echo 33554432 > /sys/fs/cgroup/memory/tare/web/memory.soft_limit_in_bytes",
      "echo 9 > /sys/fs/cgroup/pids/tare/web/pids.max",
    ]
  `);
});

test('limits of CPU and disk are written as the spec has them', () => {
  const device = { major: 8, minor: 0 };
  const resources = {
    cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 1000, realtimePeriod: 1_000_000, idle: 0 },
    blockIO: {
      weight: 300,
      weightDevice: [{ ...device, weight: 500 }],
      throttleReadBpsDevice: [{ ...device, rate: 1e6 }],
    },
  };
  const { made } = programs(hybrid(), { id: 'web', resources });
  expect(made.filter((line) => line.startsWith('echo'))).toMatchInlineSnapshot(`
    [
      "echo 512 > /sys/fs/cgroup/cpu/tare/web/cpu.shares",
      "echo 100000 > /sys/fs/cgroup/cpu/tare/web/cpu.cfs_period_us",
      "echo 50000 > /sys/fs/cgroup/cpu/tare/web/cpu.cfs_quota_us",
      "echo 1000 > /sys/fs/cgroup/cpu/tare/web/cpu.cfs_burst_us",
      "echo 1000000 > /sys/fs/cgroup/cpu/tare/web/cpu.rt_period_us",
      "echo 0 > /sys/fs/cgroup/cpu/tare/web/cpu.idle",
      "echo 300 > /sys/fs/cgroup/blkio/tare/web/blkio.bfq.weight",
      "echo 8:0 500 > /sys/fs/cgroup/blkio/tare/web/blkio.bfq.weight_device",
      "echo 8:0 1000000 > /sys/fs/cgroup/blkio/tare/web/blkio.throttle.read_bps_device",
    ]
  `);
});

test('a new group of cpuset has what the nearest above has, before anything else is asked for', () => {
  const resources = { cpu: { cpus: '1' } };
  expect(programs(hybrid(), { id: 'web', cgroupsPath: '/a/b', resources }).made).toMatchInlineSnapshot(`
    [
      "mkdir /sys/fs/cgroup/unified/a || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/unified/a/b",
      "mkdir /sys/fs/cgroup/cpuset/a || [ EEXIST ], without the next 4",
      "echo 0-3 > /sys/fs/cgroup/cpuset/a/cpuset.cpus",
      "echo 0 > /sys/fs/cgroup/cpuset/a/cpuset.mems",
      "mkdir /sys/fs/cgroup/cpuset/a/b || [ EEXIST ], without the next 4",
      "echo 0-3 > /sys/fs/cgroup/cpuset/a/b/cpuset.cpus",
      "echo 0 > /sys/fs/cgroup/cpuset/a/b/cpuset.mems",
      "echo 1 > /sys/fs/cgroup/cpuset/a/b/cpuset.cpus",
    ]
  `);
  const narrowed: ReadFile = (file) => (file === '/sys/fs/cgroup/cpuset/a/cpuset.cpus' ? '2-3' : top(file));
  const { made } = programs(hybrid(), { id: 'web', cgroupsPath: '/a/b', resources }, narrowed);
  expect(made).toContain('echo 2-3 > /sys/fs/cgroup/cpuset/a/b/cpuset.cpus');
});

test('what is looked at is counted, in one group for controllers that share a hierarchy', () => {
  const { made } = programs({ ...shared(), counts: true }, { id: 'web' });
  expect(made.filter((line) => line.endsWith('/tare/web || [ EEXIST ]'))).toMatchInlineSnapshot(`
    [
      "mkdir /sys/fs/cgroup/cpu/tare/web || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/memory/tare/web || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/pids/tare/web || [ EEXIST ]",
      "mkdir /sys/fs/cgroup/blkio/tare/web || [ EEXIST ]",
    ]
  `);
});

test('what bounds each other is changed in either order', () => {
  const resources = { memory: { limit: 1 << 26, swap: 1 << 27 }, pids: { limit: 9 } };
  expect(programs(hybrid(), { id: 'web', resources, changes: true }).changed).toMatchInlineSnapshot(`
    [
      "echo 67108864 > /sys/fs/cgroup/memory/tare/web/memory.limit_in_bytes || [ EINVAL or ENOENT ]",
      "echo 134217728 > /sys/fs/cgroup/memory/tare/web/memory.memsw.limit_in_bytes || [ EINVAL or ENOENT ]",
      "echo 67108864 > /sys/fs/cgroup/memory/tare/web/memory.limit_in_bytes",
      "echo 134217728 > /sys/fs/cgroup/memory/tare/web/memory.memsw.limit_in_bytes",
      "echo 9 > /sys/fs/cgroup/pids/tare/web/pids.max",
    ]
  `);
});

test('the name of a file of v2 is not one of v1’s, and v2 keeps what it has', () => {
  const unified = { 'memory.high': '1' };
  expect(() => programs(hybrid(), { id: 'web', resources: { unified } })).toThrow('mounted as cgroup v1');
  const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] };
  expect(programs(hybrid(), { id: 'web', resources }).made.filter((line) => line.includes('web/hugetlb'))).toEqual([
    'echo 0 > /sys/fs/cgroup/unified/tare/web/hugetlb.2MB.rsvd.max || [ ENOENT ]',
    'echo 0 > /sys/fs/cgroup/unified/tare/web/hugetlb.2MB.max',
  ]);
});

test('who may not make groups in v1 is refused, as ever', () => {
  expect(() => programs(hybridForV2(), { id: 'web', resources: { pids: { limit: 1 } } })).toThrow('cannot limit pids');
});
