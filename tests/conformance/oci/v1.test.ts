/** Engines on a host whose controllers are cgroup v1's: they set limits unasked, read v1's files, and hear of OOM kills there. */
import { existsSync, readFileSync } from 'node:fs';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import type { Mount, Namespace } from '../../../src/spec/spec.ts';
import { Bundle, eventually, plainSpec } from './bundle.ts';
import { type Dockerd, dockerdRuns, execIn, runIn, startDockerd, untilIt } from './dockerd.ts';
import { openPodman, type Podman, podmanRuns } from './podman.ts';
import { Realm } from './realm.ts';
import { tareOci } from './runtimes.ts';

const { v1Grantable } = probeCgroups();
const wanted = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'blkio', 'devices'];
const hybrid = wanted.every((name) => v1Grantable.includes(name));
const mebibyte = 2 ** 20;
const waits = ['sleep', '1000'];
const spins = ['sh', '-c', 'while :; do :; done'];
const eats = ['sh', '-c', 'head -c 64m /dev/zero | tail -c 64m >/dev/null'];

describe.runIf(hybrid && podmanRuns)('podman, beside cgroup v1', () => {
  let realm: Realm;
  let podman: Podman;
  beforeAll(async () => {
    realm = new Realm('as the host');
    podman = await openPodman(realm);
  });
  afterAll(async () => {
    await realm[Symbol.asyncDispose]();
    expect(realm.left()).toEqual([]);
  });

  const run = (...words: string[]) => podman('run', '--network', 'none', ...words);

  test('run: without a flag there is a limit of tasks, and it is kept', () => {
    expect(podman('info', '--format', '{{.Host.CgroupsVersion}}').stdout).toBe('v1\n');
    expect(run('--rm', 'busybox', 'sh', '-c', 'echo hello; exit 7')).toMatchObject({
      status: 7,
      stdout: 'hello\n',
      stderr: '',
    });
    const forks = 'for n in 1 2 3 4 5 6; do sleep 60 & done';
    expect(run('--rm', '--pids-limit', '4', 'busybox', 'sh', '-c', forks).stderr).toContain("can't fork");
  });

  test('run -m: who runs out of memory is killed', () => {
    expect(run('--rm', '--memory', '16m', '--memory-swap', '16m', 'busybox', ...eats).status).toBe(137);
    expect(run('--rm', '--memory', '256m', 'busybox', ...eats).status).toBe(0);
  });

  test('stats, update, exec, pause, stop: of the same groups', () => {
    expect(run('-d', '--name', 'one', '--memory', '64m', '--cpus', '0.5', 'busybox', ...waits).status).toBe(0);
    const format = '{{.MemLimit}} {{.PIDs}}';
    expect(podman('stats', '--no-stream', '--format', format, 'one').stdout.trim()).toBe(`${64 * mebibyte} 1`);
    expect(podman('update', '--memory', '32m', '--memory-swap', '32m', '--cpuset-cpus', '0', 'one')).toMatchObject({
      status: 0,
    });
    const limit = 'cat /sys/fs/cgroup/memory/libpod_parent/libpod-*/memory.limit_in_bytes';
    expect(realm.call('sh', '-c', limit).stdout.trim()).toBe(String(32 * mebibyte));
    expect(podman('exec', 'one', 'grep', 'Cpus_allowed_list', '/proc/self/status').stdout).toBe(
      'Cpus_allowed_list:\t0\n',
    );
    expect(podman('exec', 'one', ...eats).status).toBe(137);
    expect(podman('pause', 'one').status).toBe(0);
    expect(podman('unpause', 'one').status).toBe(0);
    expect(podman('stop', '-t', '0', 'one').status).toBe(0);
    expect(podman('start', 'one').status).toBe(0);
    expect(podman('rm', '-f', '-t', '0', 'one').status).toBe(0);
  });

  test('a pod: its containers in groups below its own', () => {
    const infra = ['--infra-image', 'busybox', '--infra-command', 'sleep 1000'];
    expect(podman('pod', 'create', '--name', 'pod', '--network', 'none', ...infra)).toMatchObject({ status: 0 });
    expect(podman('run', '--rm', '--pod', 'pod', '--memory', '64m', 'busybox', 'true')).toMatchObject({ status: 0 });
    expect(podman('pod', 'rm', '-f', '-t', '0', 'pod').status).toBe(0);
  });
});

describe.runIf(hybrid && dockerdRuns)('docker, beside cgroup v1', () => {
  let dockerd: Dockerd;
  let api: Docker;
  beforeAll(async () => {
    dockerd = await startDockerd('docker', 'as the host');
    ({ api } = dockerd);
  });
  afterAll(async () => {
    await dockerd[Symbol.asyncDispose]();
    expect(dockerd.realm.left()).toEqual([]);
  });

  async function running(
    words: readonly string[],
    HostConfig: Docker.HostConfig,
  ): Promise<AsyncDisposable & { box: Docker.Container }> {
    const box = await api.createContainer({ Image: 'busybox', Cmd: [...words], HostConfig });
    await box.start();
    return { box, [Symbol.asyncDispose]: async () => void (await box.remove({ force: true })) };
  }

  test('run -m: who runs out of memory is killed, and the daemon knows why', async () => {
    expect(await api.info()).toMatchObject({ DefaultRuntime: 'tare', CgroupVersion: '1' });
    await using one = await running(eats, { Memory: 16 * mebibyte, MemorySwap: 16 * mebibyte });
    expect(await one.box.wait()).toMatchObject({ StatusCode: 137 });
    await untilIt('it is told of', async () => (await one.box.inspect()).State.OOMKilled);
    expect(await runIn(api, eats, { HostConfig: { Memory: 256 * mebibyte } })).toMatchObject({ status: 0 });
  });

  test('stats are the container’s own, with limits and without', async () => {
    await using one = await running(spins, { Memory: 64 * mebibyte, NanoCpus: 2e8, PidsLimit: 9 });
    await untilIt(
      'it is held back',
      async () => (await statsOf(one.box)).cpu_stats.throttling_data.throttled_periods > 0,
    );
    const { memory_stats: memory, pids_stats: pids } = await statsOf(one.box);
    expect(memory.limit).toBe(64 * mebibyte);
    expect(memory.usage).toBeLessThan(8 * mebibyte);
    expect(pids).toEqual({ current: 1, limit: 9 });
    await using free = await running(waits, {});
    expect((await statsOf(free.box)).memory_stats.usage).toBeLessThan(8 * mebibyte);
    expect((await statsOf(free.box)).pids_stats?.current).toBe(1);
  });

  const statsOf = async (box: Docker.Container): Promise<Docker.ContainerStats> => box.stats({ stream: false });

  test('update and exec: of the same groups', async () => {
    await using one = await running(waits, { Memory: 64 * mebibyte });
    await one.box.update({ Memory: 16 * mebibyte, MemorySwap: 16 * mebibyte, PidsLimit: 6, CpusetCpus: '0' });
    expect((await statsOf(one.box)).memory_stats.limit).toBe(16 * mebibyte);
    expect(await execIn(api, one.box, { Cmd: eats })).toMatchObject({ status: 137 });
    const look = { Cmd: ['grep', 'Cpus_allowed_list', '/proc/self/status'] };
    expect(await execIn(api, one.box, look)).toMatchObject({ stdout: 'Cpus_allowed_list:\t0\n' });
  });
});

describe.runIf(hybrid)('a bundle, beside cgroup v1', () => {
  const look =
    'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max; cat */cgroup.procs | sort -u; mkdir memory/mine || echo read-only; ls memory/release_agent';
  const bundle = (args: string[], options: string[], more: Namespace[] = []): Bundle => {
    const plain = plainSpec(args);
    const cgroup: Mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options };
    return new Bundle(tareOci, {
      ...plain,
      mounts: [...(plain.mounts ?? []), cgroup],
      linux: {
        ...plain.linux,
        namespaces: [...(plain.linux?.namespaces ?? []), ...more],
        resources: { memory: { limit: 64 * mebibyte }, pids: { limit: 77 } },
        ...(more.some(({ type }) => type === 'user') ? { uidMappings: ids, gidMappings: ids } : {}),
      },
    });
  };
  const ids = [{ containerID: 0, hostID: 0, size: 1000 }];
  const run = (box: Bundle) => box.call('run', ['--bundle', box.path, box.id]);

  test.each([[[]], [['cgroup']], [['user']], [['user', 'cgroup']]] as Namespace['type'][][][])(
    'with namespaces %j it sees its own groups by hierarchy, and nothing above them',
    (kinds) => {
      using box = bundle(
        ['sh', '-c', look],
        ['nosuid', 'noexec', 'nodev', 'ro'],
        kinds.map((type) => ({ type })),
      );
      const { status, stdout, stderr } = run(box);
      const [limit, most, ...rest] = stdout.trim().split('\n');
      expect({ status, limit, most }).toEqual({ status: 1, limit: String(64 * mebibyte), most: '77' });
      expect(rest.at(-1)).toBe('read-only');
      expect(stderr).toMatch(/Read-only file system[^]*release_agent: No such file/);
    },
  );

  test('a group that it has made in its own goes with it', async () => {
    using box = bundle(
      [
        'sh',
        '-c',
        'mkdir /sys/fs/cgroup/memory/mine && echo $$ >/sys/fs/cgroup/memory/mine/cgroup.procs && echo >/made && exec sleep 1000',
      ],
      ['rw'],
    );
    expect(box.create()).toMatchObject({ status: 0 });
    expect(box.start()).toMatchObject({ status: 0 });
    await eventually('it is made', () => box.read('made') !== undefined);
    const { v1 } = JSON.parse(readFileSync(box.at('state', box.id, 'container.json'), 'utf8')) as {
      v1: { path: string }[];
    };
    expect(box.call('delete', ['--force', box.id])).toMatchObject({ status: 0 });
    expect(v1.filter(({ path }) => existsSync(path))).toEqual([]);
  });
});
