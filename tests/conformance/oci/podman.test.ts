/** Podman, with tare-oci beneath it: what a user of it sees. Storage and settings are the test's own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../kernel/needs.ts';
import type { Called } from './bundle.ts';

const able = needs('root', 'busybox', 'cgroup2', 'tool:podman', 'tool:conmon');
const root = join(import.meta.dirname, '../../..');

let place = '';

function podman(...words: string[]): Called {
  const env = {
    ...process.env,
    CONTAINERS_CONF: join(place, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(place, 'storage.conf'),
  };
  // What a container in the background inherits, it holds open: its streams are not ours.
  const shell =
    'out=$1; shift; podman "$@" >"$out.out" 2>"$out.err"; status=$?; cat "$out.out"; cat "$out.err" >&2; exit $status';
  const args = ['-c', shell, 'sh', join(place, 'said'), ...words];
  const { status, stdout, stderr } = spawnSync('/bin/sh', args, { env, encoding: 'utf8', timeout: 50_000 });
  return { status, stdout, stderr };
}

const alone = ['--network', 'none'];

describe.runIf(able)('podman', () => {
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'tare-podman-test-'));
    const runtime = join(root, 'bin/tare-oci');
    writeFileSync(
      join(place, 'containers.conf'),
      [
        '[containers]',
        'pids_limit=0',
        'default_ulimits=["nofile=1024:1024","nproc=1024:1024"]',
        '[engine]',
        'cgroup_manager="cgroupfs"',
        'events_logger="file"',
        `tmp_dir="${place}/tmp"`,
        'runtime="tare-oci"',
        '[engine.runtimes]',
        `tare-oci=["${runtime}"]`,
      ].join('\n'),
    );
    const storage = ['[storage]', 'driver="vfs"', `graphroot="${place}/graph"`, `runroot="${place}/run"`];
    writeFileSync(join(place, 'storage.conf'), storage.join('\n'));
    const image = join(place, 'image.tar');
    spawnSync('tar', ['-C', join(root, 'dist/images/busybox/rootfs'), '-cf', image, '.']);
    expect(podman('import', image, 'busybox')).toMatchObject({ status: 0 });
  });
  afterAll(() => {
    podman('rm', '--all', '--force', '--time', '0');
    rmSync(place, { recursive: true, force: true });
  });

  test('run: output, exit code, and the codes of a command that is not there or not executable', () => {
    expect(podman('run', '--rm', ...alone, 'busybox', 'sh', '-c', 'id -u; exit 7')).toMatchObject({
      status: 7,
      stdout: '0\n',
    });
    expect(podman('run', '--rm', ...alone, 'busybox', 'no-such-command').status).toBe(127);
    expect(podman('run', '--rm', ...alone, 'busybox', '/etc').status).toBe(126);
  });

  test('a container in the background: exec, pause, stop, start again, remove', () => {
    expect(podman('run', '-d', '--name', 'one', ...alone, 'busybox', 'sleep', '1000').status).toBe(0);
    for (const code of [0, 9, 42]) expect(podman('exec', 'one', 'sh', '-c', `exit ${code}`).status).toBe(code);
    const words = ['exec', '-u', '1000', '-w', '/tmp', '-e', 'KEY=value', 'one', 'sh', '-c', 'id -u; pwd; echo $KEY'];
    expect(podman(...words)).toMatchObject({ status: 0, stdout: '1000\n/tmp\nvalue\n' });
    expect(podman('exec', '-t', 'one', 'tty')).toMatchObject({ status: 0, stdout: '/dev/pts/0\r\n' });
    expect(podman('pause', 'one').status).toBe(0);
    expect(podman('inspect', 'one', '--format', '{{.State.Status}}').stdout).toBe('paused\n');
    expect(podman('unpause', 'one').status).toBe(0);
    expect(podman('stop', '-t', '0', 'one').status).toBe(0);
    expect(podman('inspect', 'one', '--format', '{{.State.Status}} {{.State.ExitCode}}').stdout).toBe('exited 137\n');
    expect(podman('start', 'one').status).toBe(0);
    expect(podman('rm', '-f', '-t', '0', 'one').status).toBe(0);
  });

  test('a pod: containers that share a network', () => {
    const infra = ['--infra-image', 'busybox', '--infra-command', 'sleep 1000'];
    expect(podman('pod', 'create', '--name', 'pod', ...alone, ...infra).status).toBe(0);
    const seen = [1, 2].map(() => podman('run', '--rm', '--pod', 'pod', 'busybox', 'readlink', '/proc/self/ns/net'));
    expect(seen[0]).toMatchObject({ status: 0 });
    expect(seen[0]?.stdout).toBe(seen[1]?.stdout);
    expect(podman('pod', 'rm', '-f', '-t', '0', 'pod').status).toBe(0);
  });

  test('a user namespace of its own', () => {
    const map = ['--uidmap', '0:100000:65536'];
    const { status, stdout } = podman(
      'run',
      '--rm',
      ...alone,
      ...map,
      'busybox',
      'sh',
      '-c',
      'cat /proc/self/uid_map; id -u',
    );
    expect(status).toBe(0);
    expect(stdout.trim().split(/\s+/)).toEqual(['0', '100000', '65536', '0']);
  });
});
