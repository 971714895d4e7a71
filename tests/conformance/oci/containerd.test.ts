/** containerd by its own client, with tare-oci in the place of runc. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageArchive, imageName as nameOf } from '../../../src/weigh/image-archive.ts';
import { needs } from '../../kernel/needs.ts';
import { type Called, eventually } from './call.ts';
import { busyboxRoot, checkout, Realm } from './realm.ts';

const able = needs('root', 'busybox', 'overlay', 'cgroup2', 'tool:containerd', 'tool:ctr', 'tool:ip', 'tool:nsenter');

const runtime = `${checkout}/bin/tare-oci`;

const imageName = nameOf({ root: busyboxRoot });

let realm: Realm;

const ctr = (...words: string[]): Called => realm.call('ctr', '--address', realm.at('sock'), ...words);
const run = (...words: string[]): Called =>
  ctr('run', '--fifo-dir', realm.at('fifo'), '--runc-binary', runtime, ...words);
const exec = (id: string, ...words: string[]): Called =>
  ctr('task', 'exec', '--fifo-dir', realm.at('fifo'), '--exec-id', 'other', id, ...words);
/** Of a task: `RUNNING`, `PAUSED`, `STOPPED`; `undefined` where there is none. */
const status = (id: string): string | undefined =>
  ctr('tasks', 'ls')
    .stdout.split('\n')
    .map((line) => line.split(/\s+/))
    .find(([name]) => name === id)?.[2];

describe.runIf(able)('containerd', () => {
  beforeAll(async () => {
    realm = new Realm();
    const config = [
      'version = 2',
      `root = "${realm.at('data')}"`,
      `state = "${realm.at('state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]',
      '[grpc]',
      `address = "${realm.at('sock')}"`,
    ];
    writeFileSync(realm.at('config.toml'), config.join('\n'));
    mkdirSync(realm.at('fifo'));
    await realm.open('containerd', '--config', realm.at('config.toml'));
    await eventually('containerd answers', () => ctr('--connect-timeout', '1s', 'version').status === 0);
    const archive = await imageArchive({ root: busyboxRoot }, { disk: realm.place });
    expect(ctr('images', 'import', archive)).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await realm[Symbol.asyncDispose]();
    expect(realm.left()).toEqual([]);
  });

  test('run: output, exit code, and a command that is not there', () => {
    expect(run('--rm', imageName, 'one', 'sh', '-c', 'id -u; exit 7')).toMatchObject({ status: 7, stdout: '0\n' });
    const missing = run('--rm', imageName, 'two', 'no-such-command');
    expect(missing.status).not.toBe(0);
    expect(missing.stderr).toContain('executable file not found in $PATH');
  });

  test('run with a directory as its root', () => {
    expect(run('--rm', '--rootfs', busyboxRoot, 'rooted', 'echo', 'hello')).toMatchObject({
      status: 0,
      stdout: 'hello\n',
    });
  });

  test('a task in the background: exec, pause and resume, kill, delete', async () => {
    expect(run('--detach', '--cgroup', '/tare-test/box', imageName, 'box', 'sleep', '1000')).toMatchObject({
      status: 0,
    });
    expect(status('box')).toBe('RUNNING');
    expect(
      exec('box', 'sh', '-c', 'tr "\\0" " " </proc/1/cmdline; echo; grep 0:: /proc/self/cgroup; exit 5'),
    ).toMatchObject({
      status: 5,
      stdout: expect.stringMatching(/^sleep 1000 \n0::.*\/tare-test\/box\n/) as string,
    });
    expect(ctr('task', 'ps', 'box').stdout.trim().split('\n')).toHaveLength(2);
    expect(ctr('task', 'pause', 'box')).toMatchObject({ status: 0 });
    expect(status('box')).toBe('PAUSED');
    expect(ctr('task', 'resume', 'box')).toMatchObject({ status: 0 });
    expect(status('box')).toBe('RUNNING');
    expect(ctr('task', 'metrics', 'box')).toMatchObject({ status: 0 });
    expect(ctr('task', 'kill', '--signal', 'SIGKILL', 'box')).toMatchObject({ status: 0 });
    await eventually('it has stopped', () => status('box') === 'STOPPED');
    const deleted = ctr('task', 'delete', 'box');
    expect(`${deleted.stdout}${deleted.stderr}`).toMatch(/box exit with non-zero exit code 137/);
    expect(ctr('container', 'delete', 'box')).toMatchObject({ status: 0 });
    expect(status('box')).toBeUndefined();
    expect(realm.call('ls', '/sys/fs/cgroup/tare-test').stdout).not.toContain('box');
  });

  test('seccomp, an environment, a read-only root', () => {
    const script = 'echo $KEY; grep Seccomp: /proc/self/status; touch /file';
    const words = ['--rm', '--seccomp', '--env', 'KEY=value', '--read-only', imageName, 'three'];
    const { status: code, stdout } = run(...words, 'sh', '-c', script);
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'value\nSeccomp:\t2\n' });
  });

  test('what tare oci install writes is what its part for Kubernetes reads', () => {
    const tare = `${checkout}/bin/tare`;
    mkdirSync(realm.at('kubernetes'));
    expect(realm.call(tare, 'oci', 'install', '--for', 'containerd', '--root', realm.at('kubernetes')).status).toBe(0);
    const file = realm.at('kubernetes/etc/containerd/config.toml');
    const { stdout } = realm.call('containerd', '--config', file, 'config', 'dump');
    expect(stdout).toContain('.containerd.runtimes.tare.options]');
    expect(stdout).toContain(`BinaryName = "${runtime}"`);
  });
});
