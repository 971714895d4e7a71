import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { CgroupStats } from '../../src/cgroup/stats.ts';
import { type CreateOptions, create } from '../../src/index.ts';
import { bind, bundle, inside } from '../kernel/container.ts';
import { needs } from '../kernel/needs.ts';

const able = needs('root', 'overlay', 'cgroup2');
const tare = join(import.meta.dirname, '../../bin/tare');

/** Runs a script until its group's statistics are such; those that were, at the end of the container otherwise. */
async function watch(
  options: Partial<CreateOptions>,
  script: string,
  such: (stats: CgroupStats) => boolean,
): Promise<CgroupStats> {
  await using container = await create({ image: 'busybox', args: ['sh', '-c', script], stdio: 'ignore', ...options });
  await container.start();
  for (;;) {
    const stats = await container.stats();
    if (such(stats)) return stats;
    await sleep(50);
  }
}

test.runIf(able && needs('controller:memory'))('the command line says who ran out of whose memory', () => {
  const grow = 'head -c 64m /dev/zero | tail -c 64m > /dev/null; exit $?';
  const { status, stderr } = spawnSync(
    tare,
    ['run', '-m', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', grow],
    {
      encoding: 'utf8',
    },
  );
  expect(status).toBe(137);
  expect(stderr).toMatch(/memory/);
  expect(stderr).toMatch(/16/);
});

test.runIf(able && needs('controller:cpu'))('who is given a fifth of a processor is throttled', async () => {
  const busy = 'while :; do :; done';
  const { cpu } = await watch({ limits: { cpus: 0.2 } }, busy, (stats) => (stats.cpu?.throttledPeriods ?? 0) > 3);
  expect(cpu?.throttledMicroseconds).toBeGreaterThan(0);
  // The contrast: as much work without a limit.
  const free = await watch({}, busy, (stats) => (stats.cpu?.usageMicroseconds ?? 0) > (cpu?.usageMicroseconds ?? 0));
  expect(free.cpu?.throttledPeriods ?? 0).toBe(0);
});

test.runIf(able && needs('controller:pids'))('refused forks are counted', async () => {
  // Whoever is refused a fork ends; its children and the first process stay.
  const forks = '(for n in 1 2 3 4 5 6; do sleep 60 & done); exec sleep 60';
  const { pids } = await watch({ limits: { pids: 4 } }, forks, (stats) => (stats.pids?.refused ?? 0) > 0);
  expect(pids).toMatchObject({ max: 4 });
});

test.runIf(able && needs('controller:cpuset'))('it sees as many processors as it may use', async () => {
  const all = Number(await inside('nproc'));
  expect(all).toBeGreaterThan(1);
  expect(await inside('nproc', { limits: { cpusetCpus: String(all - 1) } })).toBe('1');
});

/** The root disk of this machine: a whole one, without partitions. */
const { rdev } = statSync('/dev/vda');
const disk = { major: rdev >> 8, minor: rdev & 0xff };
const rate = 2 ** 20;

test.runIf(able && needs('controller:io'))(
  'a limit of a disk can be read back, and holds up who reads faster',
  async () => {
    const image = bundle((spec) => ({
      ...spec,
      mounts: [...(spec.mounts ?? []), { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }],
      linux: {
        ...spec.linux,
        devices: [{ path: '/dev/disk', type: 'b', ...disk }],
        namespaces: [...(spec.linux?.namespaces ?? []), { type: 'cgroup' }],
        resources: {
          devices: [{ allow: true, type: 'b', ...disk, access: 'r' }],
          blockIO: { throttleReadBpsDevice: [{ ...disk, rate }], throttleWriteIOPSDevice: [{ ...disk, rate: 7 }] },
        },
      },
    }));
    const look = 'cat /sys/fs/cgroup/io.max';
    expect(await inside(look, { image })).toBe(`${disk.major}:${disk.minor} rbps=${rate} wbps=max riops=max wiops=7`);
    const read =
      'dd if=/dev/disk of=/dev/null bs=256k count=12 iflag=direct 2>/dev/null; sed -n "s/^some.*total=//p" /sys/fs/cgroup/io.pressure';
    // Three seconds' worth, of which the first may come at once.
    expect(Number(await inside(read, { image }))).toBeGreaterThan(1_000_000);
  },
);

test.runIf(able && needs('controller:hugetlb'))('it gets as many huge pages as it may have', async () => {
  const pool = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
  const before = readFileSync(pool, 'utf8');
  writeFileSync(pool, '4');
  const file = '/dev/hugepages/tare-test';
  onTestFinished(() => {
    rmSync(file, { force: true });
    writeFileSync(pool, before);
  });
  const mounts = [bind('/dev/hugepages', '/huge')];
  const take = 'fallocate -l 8m /huge/tare-test 2>&1 && echo got; rm /huge/tare-test';
  expect(await inside(take, { mounts })).toBe('got');
  const limits = { unified: { 'hugetlb.2MB.max': String(4 * 2 ** 20) } };
  expect(await inside(take, { mounts, limits })).toMatch(/No space left/);
});
