import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileLimits, cpuWeight, ioWeight } from '../../../src/cgroup/limits.ts';
import type { Resources } from '../../../src/spec/resources.ts';

const writes = (resources: Resources): string[] =>
  compileLimits(resources).map(({ file, value, why }) => `${file} = ${value}   # ${why}`);

const mebibyte = 1024 * 1024;

test('every limit of the runtime-spec, in the order of writing', () => {
  expect(
    writes({
      memory: { limit: 64 * mebibyte, reservation: 32 * mebibyte, swap: 96 * mebibyte },
      cpu: { shares: 1024, quota: 50000, period: 100000, burst: 10000, cpus: '0-1', mems: '0' },
      pids: { limit: 100 },
      blockIO: {
        weight: 500,
        weightDevice: [{ major: 8, minor: 0, weight: 10 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: mebibyte }],
        throttleWriteIOPSDevice: [
          { major: 8, minor: 0, rate: 300 },
          { major: 8, minor: 16, rate: 0 },
        ],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 4 * mebibyte }],
      rdma: { mlx5_0: { hcaHandles: 3, hcaObjects: 10000 } },
      unified: { 'memory.high': '48M', 'memory.oom.group': '1', 'cgroup.max.descendants': '0' },
    }),
  ).toMatchInlineSnapshot(`
    [
      "memory.swap.max = 33554432   # limit swap to 32 MiB",
      "memory.max = 67108864   # limit memory to 64 MiB",
      "memory.low = 33554432   # protect memory up to 32 MiB",
      "cpu.weight = 100   # give the CPU weight 100 (1024 shares)",
      "cpu.max = 50000 100000   # limit CPU time to 50000 µs of 100000 µs",
      "cpu.max.burst = 10000   # let unused CPU time add up to 10000 µs",
      "cpuset.cpus = 0-1   # run on CPUs 0-1",
      "cpuset.mems = 0   # use memory nodes 0",
      "io.weight = default 4950   # give block I/O the weight 4950 (blkio 500)",
      "io.weight = 8:0 1   # give I/O of device 8:0 a weight",
      "io.max = 8:0 rbps=1048576 wiops=300   # limit I/O of device 8:0: rbps=1048576 wiops=300",
      "io.max = 8:16 wiops=max   # limit I/O of device 8:16: wiops=max",
      "pids.max = 100   # limit tasks to 100",
      "hugetlb.2MB.rsvd.max = 4194304   # limit reserved huge pages of 2MB to 4 MiB",
      "hugetlb.2MB.max = 4194304   # limit used huge pages of 2MB to 4 MiB",
      "rdma.max = mlx5_0 hca_handle=3 hca_object=10000   # limit RDMA: mlx5_0 hca_handle=3 hca_object=10000",
      "memory.high = 48M   # set memory.high to 48M",
      "memory.oom.group = 1   # set memory.oom.group to 1",
      "cgroup.max.descendants = 0   # set cgroup.max.descendants to 0",
    ]
  `);
});

test('nothing limited, nothing written', () => {
  expect(writes({})).toEqual([]);
  expect(writes({ memory: {}, cpu: {}, pids: {}, blockIO: {}, unified: {} })).toEqual([]);
});

test('0 is not set, as where v1 could not hold it; -1 is no limit', () => {
  expect(writes({ memory: { limit: 0, swap: 0, reservation: 0 }, cpu: { shares: 0, quota: 0, period: 0 } })).toEqual(
    [],
  );
  expect(writes({ memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } })).toMatchInlineSnapshot(`
    [
      "memory.swap.max = max   # use swap without limit",
      "memory.max = max   # use memory without limit",
      "cpu.max = max   # use CPU time without limit",
      "pids.max = max   # allow any number of tasks",
    ]
  `);
});

test('a pids limit of 0 still lets the first process be born', () => {
  expect(compileLimits({ pids: { limit: 0 } })[0]?.value).toBe('1');
});

test('swap counts memory too in the spec, and not in the file', () => {
  const swap = (limit: number | undefined, both: number): string | undefined =>
    compileLimits({ memory: { limit, swap: both } }).find(({ file }) => file === 'memory.swap.max')?.value;
  expect(swap(100, 100)).toBe('0');
  expect(swap(100, 300)).toBe('200');
  expect(swap(100, -1)).toBe('max');
  expect(swap(-1, 300)).toBe('300');
});

test('a kernel without swap keeps the promise of no swap, and cannot keep another', () => {
  const allowed = (swap: number) => compileLimits({ memory: { limit: 100, swap } })[0]?.allow;
  expect(allowed(100)).toEqual(['ENOENT']);
  expect(allowed(-1)).toEqual(['ENOENT']);
  expect(allowed(101)).toEqual([]);
});

test('cpu.max: a quota alone keeps the period, a period alone has no quota', () => {
  expect(compileLimits({ cpu: { quota: 20000 } })[0]?.value).toBe('20000');
  expect(compileLimits({ cpu: { period: 50000 } })[0]?.value).toBe('max 50000');
});

test('an idle group takes no weight', () => {
  expect(writes({ cpu: { shares: 2048, idle: 1 } })).toMatchInlineSnapshot(`
    [
      "cpu.idle = 1   # run only when nobody else wants the CPU",
    ]
  `);
});

test('the least, the usual and the greatest shares become the least, the usual and the greatest weight', () => {
  expect([2, 1024, 262144].map(cpuWeight)).toEqual([1, 100, 10000]);
  expect([1, 2000, 10 ** 9].map(cpuWeight)).toEqual([1, 170, 10000]);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 262143 }), (shares) => {
      expect(cpuWeight(shares + 1)).toBeGreaterThanOrEqual(cpuWeight(shares));
    }),
  );
  expect([10, 500, 1000].map(ioWeight)).toEqual([1, 4950, 10000]);
});

test('the greatest uint64, rounded by JSON, is no limit', () => {
  expect(compileLimits({ hugepageLimits: [{ pageSize: '1GB', limit: 2 ** 64 }] }).map(({ value }) => value)).toEqual([
    'max',
    'max',
  ]);
});

test('a unified value of several lines is as many writes', () => {
  expect(writes({ unified: { 'io.max': '259:0 rbps=2097152\n253:0 wiops=120\n' } })).toMatchInlineSnapshot(`
    [
      "io.max = 259:0 rbps=2097152   # set io.max to 259:0 rbps=2097152",
      "io.max = 253:0 wiops=120   # set io.max to 253:0 wiops=120",
    ]
  `);
});
