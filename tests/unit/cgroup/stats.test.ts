import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Cgroup } from '../../../src/cgroup/cgroup.ts';
import { parseFlat, parseNested, parsePressure } from '../../../src/cgroup/stats.ts';

const group = (name: string): Cgroup =>
  new Cgroup(fileURLToPath(new URL(`../../../fixtures/cgroup/${name}`, import.meta.url)));

test('every controller is read, with its unit', async () => {
  expect(await group('full').stats()).toMatchInlineSnapshot(`
    {
      "cpu": {
        "burstMicroseconds": 5000,
        "bursts": 2,
        "periods": 120,
        "systemMicroseconds": 2481234,
        "throttledMicroseconds": 843211,
        "throttledPeriods": 17,
        "usageMicroseconds": 9481234,
        "userMicroseconds": 7000000,
      },
      "hugetlb": {
        "1GB": {
          "currentBytes": 0,
          "maxBytes": Infinity,
          "refused": undefined,
          "reservedBytes": undefined,
        },
        "2MB": {
          "currentBytes": 2097152,
          "maxBytes": 4194304,
          "refused": 1,
          "reservedBytes": 0,
        },
      },
      "io": {
        "8:0": {
          "discardedBytes": 50331648,
          "discards": 3021,
          "readBytes": 90430464,
          "reads": 8950,
          "writes": 1252,
          "writtenBytes": 299008000,
        },
        "8:16": {
          "discardedBytes": 0,
          "discards": 0,
          "readBytes": 1459200,
          "reads": 192,
          "writes": 353,
          "writtenBytes": 314773504,
        },
      },
      "memory": {
        "currentBytes": 41943040,
        "events": {
          "high": 0,
          "low": 0,
          "max": 31,
          "oom": 1,
          "oomGroupKill": 0,
          "oomKill": 2,
        },
        "highBytes": Infinity,
        "maxBytes": 67108864,
        "peakBytes": 67108864,
        "stat": {
          "anon": 30932992,
          "file": 8192000,
          "kernel": 1757184,
          "kernel_stack": 49152,
          "pgfault": 20131,
          "pgmajfault": 3,
          "workingset_refault_anon": 0,
        },
        "swapCurrentBytes": 0,
        "swapMaxBytes": 0,
        "swapPeakBytes": 4096,
      },
      "pids": {
        "current": 3,
        "max": 16,
        "peak": 9,
        "refused": 4,
      },
    }
  `);
});

test('without controllers there is CPU time, which every group counts, and nothing else', async () => {
  const { cpu, ...others } = await group('hybrid').stats();
  expect(cpu?.usageMicroseconds).toBeGreaterThan(700_000);
  expect(cpu?.throttledPeriods).toBeUndefined();
  expect(others).toEqual({});
});

test('pressure: some, full, and a resource of which the kernel says only one', async () => {
  const { memory, irq, io } = await group('full').pressure();
  expect(memory?.some).toEqual({ percent10s: 1.5, percent60s: 0.25, percent300s: 0.05, totalMicroseconds: 1234567 });
  expect(memory?.full?.totalMicroseconds).toBe(234567);
  expect(irq).toEqual({ full: { percent10s: 0, percent60s: 0, percent300s: 0, totalMicroseconds: 77 } });
  expect(io).toBeUndefined();
  expect((await group('hybrid').pressure()).cpu?.some?.totalMicroseconds).toBeGreaterThan(0);
});

test('an OOM kill below the group by the limit of the group is its own', () => {
  expect(group('full').oomKills()).toEqual({ kills: 2, limit: 'own', maxBytes: 64 * 1024 * 1024 });
  expect(group('hybrid').oomKills()).toEqual({ kills: 0 });
});

test('the processes of a group are those of the groups below it too', () => {
  expect(group('full').pids()).toEqual([101, 102, 103]);
  expect(group('full').populated()).toBe(true);
});

test('a group that does not exist has no processes, and its statistics say which one is missing', async () => {
  const gone = new Cgroup('/sys/fs/cgroup/no/such');
  expect(gone.pids()).toEqual([]);
  expect(gone.populated()).toBe(false);
  expect(gone.oomKills()).toEqual({ kills: 0 });
  await expect(gone.stats()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[TareError: list /sys/fs/cgroup/no/such: ENOENT]`,
  );
});

test('whatever pairs are written are read back', () => {
  const key = fc.stringMatching(/^[a-z_0-9:]{1,8}$/).filter((name) => name !== '__proto__');
  const flat = fc.dictionary(key, fc.nat());
  fc.assert(
    fc.property(flat, (pairs) => {
      const text = Object.entries(pairs).map(([name, value]) => `${name} ${value}\n`);
      expect(parseFlat(text.join(''))).toEqual({ ...pairs });
    }),
  );
  fc.assert(
    fc.property(fc.dictionary(key, fc.dictionary(key, fc.nat(), { minKeys: 1 })), (lines) => {
      const text = Object.entries(lines).map(
        ([name, pairs]) =>
          `${name} ${Object.entries(pairs)
            .map(([inner, value]) => `${inner}=${value}`)
            .join(' ')}\n`,
      );
      expect(parseNested(text.join(''))).toEqual(
        Object.fromEntries(Object.entries(lines).map(([k, v]) => [k, { ...v }])),
      );
    }),
  );
});

test('an empty file says nothing', () => {
  expect(parseFlat('')).toEqual({});
  expect(parsePressure('')).toEqual({});
});

const v1 = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'].map((name) => ({
  controllers: [name],
  path: fileURLToPath(new URL(`../../../fixtures/cgroup/v1/${name}`, import.meta.url)),
}));

test('what v1 counts is told in the words of v2', async () => {
  const found = new Cgroup(group('hybrid').path, v1);
  expect(await found.stats()).toMatchInlineSnapshot(`
    {
      "cpu": {
        "burstMicroseconds": 0,
        "bursts": 0,
        "periods": 18,
        "systemMicroseconds": 17018,
        "throttledMicroseconds": 988531,
        "throttledPeriods": 15,
        "usageMicroseconds": 724952,
        "userMicroseconds": 707934,
      },
      "hugetlb": undefined,
      "io": {
        "8:0": {
          "discardedBytes": 0,
          "discards": 0,
          "readBytes": 12288,
          "reads": 3,
          "writes": 1,
          "writtenBytes": 4096,
        },
      },
      "memory": {
        "currentBytes": 16384,
        "events": {
          "high": 0,
          "low": 0,
          "max": 0,
          "oom": 1,
          "oomGroupKill": 0,
          "oomKill": 1,
        },
        "maxBytes": 16777216,
        "peakBytes": 16777216,
        "stat": {
          "active_anon": 0,
          "active_file": 0,
          "cache": 0,
          "dirty": 0,
          "hierarchical_memory_limit": 16777216,
          "hierarchical_memsw_limit": 16777216,
          "inactive_anon": 0,
          "inactive_file": 0,
          "mapped_file": 0,
          "pgfault": 4407,
          "pgmajfault": 0,
          "pgpgin": 4133,
          "pgpgout": 4133,
          "rss": 0,
          "rss_huge": 0,
          "shmem": 0,
          "swap": 0,
          "swapcached": 0,
          "total_active_anon": 0,
          "total_active_file": 0,
          "total_cache": 0,
          "total_dirty": 0,
          "total_inactive_anon": 0,
          "total_inactive_file": 0,
          "total_mapped_file": 0,
          "total_pgfault": 4407,
          "total_pgmajfault": 0,
          "total_pgpgin": 4133,
          "total_pgpgout": 4133,
          "total_rss": 0,
          "total_rss_huge": 0,
          "total_shmem": 0,
          "total_swap": 0,
          "total_swapcached": 0,
          "total_unevictable": 0,
          "total_workingset_refault_anon": 0,
          "total_workingset_refault_file": 0,
          "total_writeback": 0,
          "unevictable": 0,
          "workingset_refault_anon": 0,
          "workingset_refault_file": 0,
          "writeback": 0,
        },
        "swapCurrentBytes": 0,
        "swapMaxBytes": 0,
      },
      "pids": {
        "current": 1,
        "max": 10,
        "peak": 10,
        "refused": 1,
      },
    }
  `);
  expect(found.oomKills()).toMatchInlineSnapshot(`
    {
      "kills": 1,
      "limit": "own",
      "maxBytes": 16777216,
    }
  `);
});
