/** Docker, with tare-oci as the default runtime: what a user of its API sees. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { needs } from '../../kernel/needs.ts';
import { type Dockerd, dockerdRuns, execIn, finished, runIn, startDockerd, untilIt } from './dockerd.ts';

let dockerd: Dockerd;
let api: Docker;

/** A container in the background, gone at the end. */
async function running(
  words: readonly string[],
  more: Docker.ContainerCreateOptions = {},
): Promise<AsyncDisposable & { box: Docker.Container }> {
  const box = await api.createContainer({ Image: 'busybox', Cmd: [...words], ...more });
  await box.start();
  return { box, [Symbol.asyncDispose]: async () => void (await box.remove({ force: true })) };
}

const waits = ['sleep', '1000'];

describe.runIf(dockerdRuns)('docker', () => {
  beforeAll(async () => {
    dockerd = await startDockerd('docker');
    ({ api } = dockerd);
  });
  afterAll(async () => {
    await dockerd[Symbol.asyncDispose]();
    expect(dockerd.realm.left()).toEqual([]);
  });

  test('it is tare-oci that runs', async () => {
    expect(await api.info()).toMatchObject({ DefaultRuntime: 'tare', CgroupVersion: '2' });
    await using one = await running(waits);
    expect(await one.box.inspect()).toMatchObject({ HostConfig: { Runtime: 'tare' } });
    const listed = dockerd.realm.call('find', dockerd.realm.at('exec'), '-path', `*${one.box.id}/container.json`);
    expect(listed.stdout).toContain(one.box.id);
  });

  test('run: output, exit code, and the codes of a command that is not there or not executable', async () => {
    const script = 'id -u; echo to stderr >&2; hostname; exit 7';
    expect(await runIn(api, ['sh', '-c', script], { Hostname: 'box' })).toEqual({
      status: 7,
      stdout: '0\nbox\n',
      stderr: 'to stderr\n',
    });
    // The daemon knows 126 and 127 by the runtime's words in its log.
    await expect(runIn(api, ['no-such-command'])).rejects.toThrow(/executable file not found in \$PATH/);
    await expect(runIn(api, ['/etc'])).rejects.toThrow(/permission denied/);
    for (const [words, code] of [
      [['no-such-command'], 127],
      [['/etc'], 126],
    ] as const) {
      const box = await api.createContainer({ Image: 'busybox', Cmd: [...words] });
      await box.start().catch(() => {});
      expect((await box.inspect()).State.ExitCode).toBe(code);
      await box.remove();
    }
  });

  test('a network of its own, and one shared with another container', async () => {
    await using one = await running(waits);
    const interfaces = 'ls /sys/class/net; ip -4 addr show eth0; readlink /proc/self/ns/net';
    const own = await execIn(api, one.box, { Cmd: ['sh', '-c', interfaces] });
    expect(own.stdout).toMatch(/^eth0\nlo\n[^]*inet 172\./);
    const shared = await runIn(api, ['sh', '-c', interfaces], {
      HostConfig: { NetworkMode: `container:${one.box.id}` },
    });
    expect(shared.stdout).toBe(own.stdout);
  });

  test('exec: exit code, user, directory, environment', async () => {
    await using one = await running(waits);
    const script = 'id -u; pwd; echo $KEY; exit 42';
    const asked = { Cmd: ['sh', '-c', script], User: '1000', WorkingDir: '/tmp', Env: ['KEY=value'] };
    expect(await execIn(api, one.box, asked)).toEqual({ status: 42, stdout: '1000\n/tmp\nvalue\n', stderr: '' });
  });

  test('exec -it: a terminal, keys, and a new size', async () => {
    await using one = await running(waits);
    const script =
      'trap "stty size" WINCH; tty; stty size; while read -t 1 line || [ $? -gt 128 ] || [ -z "$line" ]; do [ "$line" = end ] && exit 5; done';
    const exec = await one.box.exec({ Cmd: ['sh', '-c', script], Tty: true, AttachStdin: true, AttachStdout: true });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    let seen = '';
    stream.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    const ended = new Promise((resolve) => stream.on('end', resolve).on('close', resolve));
    await untilIt('there is a terminal', async () => seen.includes('/dev/pts/'));
    await exec.resize({ h: 33, w: 101 });
    await untilIt('it has the new size', async () => seen.includes('33 101'));
    stream.write('end\n');
    await ended;
    expect((await exec.inspect()).ExitCode).toBe(5);
  });

  test('a terminal of the container itself', async () => {
    const box = await api.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'tty; exit 3'], Tty: true });
    const stream = await box.attach({ stream: true, stdout: true });
    let seen = '';
    stream.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await box.start();
    expect(await box.wait()).toMatchObject({ StatusCode: 3 });
    await untilIt('it has said its terminal', async () => seen.includes('/dev/pts/0\r\n'));
    await box.remove();
  });

  test('stats and top', async () => {
    await using one = await running(['sh', '-c', 'while :; do :; done']);
    const stats = await one.box.stats({ stream: false });
    expect(stats).toMatchObject({ id: one.box.id });
    if (probeCgroups().grantable.includes('cpu')) expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
    const { Processes } = (await one.box.top()) as { Processes: string[][] };
    expect(Processes.flat().join(' ')).toContain('while :; do :; done');
  });

  test('pause and unpause', async () => {
    await using one = await running(waits);
    await one.box.pause();
    expect((await one.box.inspect()).State).toMatchObject({ Paused: true, Status: 'paused' });
    await one.box.unpause();
    expect(await execIn(api, one.box, { Cmd: ['true'] })).toMatchObject({ status: 0 });
  });

  test('stop, kill, start again, restart', async () => {
    await using one = await running(['sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.05; done']);
    await untilIt(
      'it listens',
      async () => (await execIn(api, one.box, { Cmd: ['grep', 'SigCgt.*4...$', '/proc/1/status'] })).status === 0,
    );
    await one.box.stop({ t: 20 });
    expect((await one.box.inspect()).State.ExitCode).toBe(3);
    await one.box.start();
    await one.box.kill({ signal: 'KILL' });
    await one.box.wait();
    expect((await one.box.inspect()).State.ExitCode).toBe(137);
    await one.box.restart({ t: 0 });
    expect((await one.box.inspect()).State.Running).toBe(true);
  });

  test('a restart policy', async () => {
    const policy = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } };
    await using one = await running(['sh', '-c', 'exit 3'], { HostConfig: policy });
    await untilIt('it has been tried for the last time', async () => {
      const { RestartCount, State } = await one.box.inspect();
      return RestartCount === 2 && State.Status === 'exited';
    });
    expect((await one.box.inspect()).State.ExitCode).toBe(3);
  });

  test('what only a privileged container may do, and what a volume holds', async () => {
    const mount = ['sh', '-c', 'mount -t tmpfs none /mnt && grep -c " /mnt tmpfs" /proc/mounts'];
    expect((await runIn(api, mount)).status).not.toBe(0);
    expect(await runIn(api, mount, { HostConfig: { Privileged: true } })).toMatchObject({ status: 0, stdout: '1\n' });
    mkdirSync(dockerd.realm.at('volume'));
    writeFileSync(dockerd.realm.at('volume/file'), 'content\n');
    const Binds = [`${dockerd.realm.at('volume')}:/volume:ro`];
    const words = ['sh', '-c', 'cat /volume/file; touch /volume/new'];
    expect(await runIn(api, words, { HostConfig: { Binds } })).toMatchObject({ status: 1, stdout: 'content\n' });
  });

  test('build: each RUN is a container', async () => {
    mkdirSync(dockerd.realm.at('context'));
    writeFileSync(dockerd.realm.at('context/file'), 'from the context\n');
    const dockerfile = [
      'FROM busybox',
      'COPY file /file',
      'RUN id -u >/id && echo user:x:1000:1000::/:/bin/sh >>/etc/passwd',
      'USER user',
      'CMD cat /file /id; id -un',
    ];
    writeFileSync(dockerd.realm.at('context/Dockerfile'), dockerfile.join('\n'));
    const context = { context: dockerd.realm.at('context'), src: ['Dockerfile', 'file'] };
    expect(await finished(api, await api.buildImage(context, { t: 'built' }))).toContain('Successfully tagged built');
    expect(await runIn(api, [], { Image: 'built', Cmd: undefined })).toMatchObject({
      status: 0,
      stdout: 'from the context\n0\nuser\n',
    });
    writeFileSync(dockerd.realm.at('context/Dockerfile'), 'FROM busybox\nRUN exit 9\n');
    const failing = await api.buildImage({ ...context, src: ['Dockerfile'] });
    await expect(finished(api, failing)).rejects.toThrow(/non-zero code: 9/);
  });

  test.runIf(dockerdRuns && needs('controller:memory', 'controller:pids'))(
    'limits, and an update of them',
    async () => {
      const limits = { Memory: 64 * 2 ** 20, PidsLimit: 50 };
      await using one = await running(waits, { HostConfig: limits });
      const read = ['sh', '-c', 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max'];
      expect(await execIn(api, one.box, { Cmd: read })).toMatchObject({ stdout: `${64 * 2 ** 20}\n50\n` });
      await one.box.update({ Memory: 96 * 2 ** 20, MemorySwap: -1, PidsLimit: 60 });
      expect(await execIn(api, one.box, { Cmd: read })).toMatchObject({ stdout: `${96 * 2 ** 20}\n60\n` });
    },
  );
});
