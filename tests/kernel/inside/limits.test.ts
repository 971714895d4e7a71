import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { create, run } from '../../../src/index.ts';
import type { Limits } from '../../../src/spec/request.ts';
import type { Resources } from '../../../src/spec/resources.ts';
import { bundle, inside } from '../container.ts';
import { needs } from '../needs.ts';

const able = needs('root', 'overlay', 'cgroup2');
const controllers = probeCgroups().grantable;

const show = (...files: string[]): string =>
  `cd /sys/fs/cgroup; ${files.map((file) => `tr '\\n' ' ' < ${file}; echo`).join('; ')}`;

/** What the files of its cgroup say, from inside. */
const seen = async (limits: Limits, ...files: string[]): Promise<string[]> =>
  (await inside(show(...files), { limits })).split('\n').map((line) => line.trim());

const ofBundle = (resources: Resources): string =>
  bundle((spec) => ({
    ...spec,
    mounts: [...(spec.mounts ?? []), { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }],
    linux: { ...spec.linux, resources, namespaces: [...(spec.linux?.namespaces ?? []), { type: 'cgroup' }] },
  }));

test.runIf(able && needs('controller:memory'))('limits of memory are those asked for', async () => {
  const limits = { memory: '64m', memorySwap: '96m', memoryReservation: '16m', memoryHigh: '48m' };
  const files = ['memory.max', 'memory.swap.max', 'memory.low', 'memory.high'];
  const mebibytes = (count: number): string => String(count * 2 ** 20);
  expect(await seen(limits, ...files)).toEqual([64, 32, 16, 48].map(mebibytes));
});

test.runIf(able && needs('limit:memory'))('who runs out of memory is told so, and whose limit it was', async () => {
  const args = ['sh', '-c', 'head -c 64m /dev/zero | tail -c 64m > /dev/null'];
  const exit = await run({ image: 'busybox', args, limits: { memory: '16m', memorySwap: '16m' }, stdio: 'ignore' });
  expect(exit.oom).toMatchObject({ limit: 'own', maxBytes: 16 * 2 ** 20 });
  // The contrast: the same with room enough.
  expect((await run({ image: 'busybox', args, limits: { memory: '256m' }, stdio: 'ignore' })).oom).toBeUndefined();
});

test.runIf(able && needs('controller:cpu'))('limits of CPU time are those asked for', async () => {
  expect(await seen({ cpus: 1.5, cpuWeight: 77, cpuBurst: 1000 }, 'cpu.max', 'cpu.weight', 'cpu.max.burst')).toEqual([
    ...['150000 100000', '77', '1000'],
  ]);
  expect(await seen({ cpuIdle: true }, 'cpu.idle')).toEqual(['1']);
});

test.runIf(able && needs('limit:cpuset'))('it runs on the processors asked for', async () => {
  expect(await inside('grep Cpus_allowed_list /proc/self/status', { limits: { cpusetCpus: '0' } })).toMatch(/:\t0$/);
});

test.runIf(able && needs('limit:pids'))('it cannot fork beyond its limit', async () => {
  const forks = 'for n in 1 2 3 4 5 6; do sleep 60 & done 2>/dev/null; echo';
  const { stdout } = await run({ image: 'busybox', args: ['sh', '-c', forks], limits: { pids: 4 }, stdio: 'pipe' });
  expect(stdout).toBe('');
});

test.runIf(able && needs('controller:pids'))('limits of tasks are those asked for', async () => {
  expect(await seen({ pids: 7 }, 'pids.max')).toEqual(['7']);
});

test.runIf(able && needs('controller:io'))('weights of I/O are those asked for', async () => {
  expect(await seen({ ioWeight: 77 }, 'io.weight')).toEqual(['default 77']);
});

const pageSizes = readdirSync('/sys/kernel/mm/hugepages').map((name) => Number(/\d+/.exec(name)?.[0]) / 1024);

test.runIf(able && needs('controller:hugetlb') && pageSizes.includes(2))(
  'limits of huge pages and the unified map arrive in its group',
  async () => {
    const size = 6 * 2 ** 20;
    expect(await seen({ unified: { 'hugetlb.2MB.max': String(size) } }, 'hugetlb.2MB.max')).toEqual([String(size)]);
    const image = ofBundle({ hugepageLimits: [{ pageSize: '2MB', limit: size }] });
    expect(await inside('cat /sys/fs/cgroup/hugetlb.2MB.max', { image })).toBe(String(size));
    expect((await seen({}, 'hugetlb.2MB.max'))[0]).not.toBe(String(size));
  },
);

const { v1, v1Grantable } = probeCgroups();
const byV1 = (...names: string[]): boolean => able && names.every((name) => v1Grantable.includes(name));

/** What files of its groups of v1 say, from outside, while it runs. */
async function seenIn(limits: Limits, ...files: string[]): Promise<string[]> {
  const name = `tare-test-v1-${process.pid}`;
  await using container = await create({ image: 'busybox', args: ['sleep', '100'], name, limits, stdio: 'ignore' });
  await container.start();
  return files.map((file) => {
    const group = `${v1[file.slice(0, file.indexOf('.'))]}/tare/${name}`;
    expect(readFileSync(`${group}/cgroup.procs`, 'utf8')).toBe(`${container.pid}\n`);
    return readFileSync(`${group}/${file}`, 'utf8').trim();
  });
}

test.runIf(byV1('memory', 'cpu', 'pids', 'cpuset'))(
  'where cgroup v1 holds the controllers, limits are in its files, and the container in its groups',
  async () => {
    const limits = { memory: '64m', memorySwap: '96m', memoryReservation: '16m', cpus: 0.5, cpusetCpus: '0', pids: 7 };
    const memory = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes'];
    const others = ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpuset.cpus', 'pids.max'];
    expect(await seenIn(limits, ...memory, ...others)).toEqual([
      ...[64, 96, 16].map((count) => String(count * 2 ** 20)),
      ...['50000', '100000', '0', '7'],
    ]);
    for (const name of ['memory', 'cpu', 'cpuset', 'pids'])
      expect(readdirSync(`${v1[name]}/tare`).filter((group) => group.startsWith('tare-test-v1-'))).toEqual([]);
  },
);

test.runIf(byV1('pids'))('whoever needs no group of v1 has none', async () => {
  const look = 'grep :pids: /proc/self/cgroup';
  const ours = (await inside(look, { namespaces: { cgroup: 'host' } })).trim();
  expect(ours).not.toContain('/tare/');
  expect(await inside(look, { namespaces: { cgroup: 'host' }, limits: { pids: 9 } })).toMatch(/:pids:\/tare\/\w{12}$/);
  // A view of its own begins at its own group, in every hierarchy.
  expect(await inside(look, { limits: { pids: 9 } })).toMatch(/:pids:\/$/);
});

test.runIf(able && needs('limit:memory', 'limit:cpu', 'limit:pids'))('what it has used is counted', async () => {
  const limits = { memory: '64m', cpus: 0.1, pids: 9 };
  const args = ['sh', '-c', 'while :; do :; done'];
  await using container = await create({ image: 'busybox', args, limits, stdio: 'ignore' });
  await container.start();
  const stats = async () => container.stats();
  while (((await stats()).cpu?.throttledPeriods ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const { cpu, memory, pids } = await stats();
  expect(memory).toMatchObject({ maxBytes: 64 * 2 ** 20 });
  expect(memory?.currentBytes).toBeGreaterThan(0);
  expect(pids).toMatchObject({ current: 1, max: 9 });
  expect(cpu?.throttledMicroseconds).toBeGreaterThan(0);
});

for (const [controller, limits] of [
  ['memory', { memory: '64m' }],
  ['cpu', { cpus: 1 }],
  ['pids', { pids: 10 }],
  ['memory', { unified: { 'memory.high': '64M' } }],
] as const) {
  const granted = controllers.includes(controller) || (!('unified' in limits) && v1Grantable.includes(controller));
  test.runIf(able && !granted)(`${JSON.stringify(limits)} is refused where nobody gives ${controller}`, async () => {
    const refused = inside('true', { limits });
    await expect(refused).rejects.toThrow(controller);
    await expect(refused).rejects.toThrow(v1[controller] ?? controller);
    await expect(refused).rejects.toThrow(/hint/);
  });
}

test.runIf(able)('a group has the name of its container, and a bundle chooses another', async () => {
  const look = 'sed -n s/^0:://p /proc/self/cgroup';
  const image = bundle((spec) => ({ ...spec, linux: { ...spec.linux, cgroupsPath: '/tare-test-chosen' } }));
  expect(await inside(look, { image })).toBe('/tare-test-chosen');
  expect(readdirSync(probeCgroups().mount!)).not.toContain('tare-test-chosen');
  expect(join('/', await inside(look, { name: 'tare-test-named', namespaces: { cgroup: 'host' } }))).toMatch(
    /\/tare-test-named$/,
  );
});
