/** Podman, with tare-oci beneath it: what a user of it sees, as root and as an ordinary user. */
import { chmodSync, chownSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../kernel/needs.ts';
import type { Called } from './call.ts';
import { makeStorage, openPodman, type Podman, podmanRuns, settings } from './podman.ts';
import { busyboxRoot, checkout, Realm } from './realm.ts';

let realm: Realm;

let podman: Podman;

const alone = ['--network', 'none'];
const waits = ['sleep', '1000'];

/** `words` at a terminal; meanwhile its size is changed, as soon as `sign` is there. */
function atTerminal(words: readonly string[], sign: string): Called {
  const resize = `until ${sign} 2>/dev/null; do sleep 0.05; done; stty rows 44 cols 99 <"$terminal"`;
  const script = `stty rows 33 cols 77; terminal=$(tty); (${resize}) & ${words.join(' ')}`;
  return realm.call('script', '--quiet', '--return', '--command', script, '/dev/null');
}

describe.runIf(podmanRuns)('podman', () => {
  beforeAll(async () => {
    realm = new Realm();
    podman = await openPodman(realm, ...(needs('controller:pids') ? [] : ['pids_limit=0']));
  });
  afterAll(async () => {
    await realm[Symbol.asyncDispose]();
    expect(realm.left()).toEqual([]);
  });

  test('it is tare-oci that runs', () => {
    expect(podman('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}')).toMatchObject({
      status: 0,
      stdout: `tare ${checkout}/bin/tare-oci\n`,
    });
  });

  test('run: output, exit code, and the codes of a command that is not there or not executable', () => {
    expect(podman('run', '--rm', ...alone, 'busybox', 'sh', '-c', 'id -u; exit 7')).toMatchObject({
      status: 7,
      stdout: '0\n',
    });
    expect(podman('run', '--rm', ...alone, 'busybox', 'no-such-command').status).toBe(127);
    expect(podman('run', '--rm', ...alone, 'busybox', '/etc').status).toBe(126);
  });

  test('what the engine keeps open for itself is not open in the container', () => {
    const open = ['sh', '-c', 'exec ls /proc/self/fd'];
    expect(podman('run', '--rm', ...alone, 'busybox', ...open)).toMatchObject({ status: 0, stdout: '0\n1\n2\n3\n' });
    expect(podman('run', '-d', '--name', 'fds', ...alone, 'busybox', ...waits).status).toBe(0);
    expect(podman('exec', 'fds', ...open)).toMatchObject({ status: 0, stdout: '0\n1\n2\n3\n' });
    expect(podman('exec', 'fds', 'env').stdout).not.toContain('_OCI_');
    expect(podman('exec', 'fds', 'ls', '/proc/1/fd').stdout).toBe('0\n1\n2\n');
    expect(podman('rm', '-f', '-t', '0', 'fds').status).toBe(0);
  });

  test('a container in the background: exec, pause, stop, start again, remove', () => {
    expect(podman('run', '-d', '--name', 'one', ...alone, 'busybox', ...waits).status).toBe(0);
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

  test('exec -it: a terminal as large as ours, also when that changes', () => {
    expect(podman('run', '-d', '--name', 'tty', ...alone, 'busybox', ...waits).status).toBe(0);
    // It has no size before podman gives it one; stty changes rows and columns one after the other.
    const look = 'size=$(stty size 2>/dev/null); echo $size; case $size in 33*) touch /ready;; 44?99) exit 5;; esac';
    const script = `trap '${look}' WINCH; ${look}; while :; do sleep 0.05; done`;
    const storage = `CONTAINERS_STORAGE_CONF=${realm.at('root')}/storage.conf`;
    const words = ['env', storage, 'podman', 'exec', '-it', 'tty', 'sh', '-c', `"${script.replaceAll('$', '\\$')}"`];
    const ready = `env ${storage} podman exec tty test -e /ready`;
    const { status, stdout } = atTerminal(words, ready);
    expect({ status, stdout }).toEqual({
      status: 5,
      stdout: expect.stringMatching(/33 77\r\n(44 77\r\n)?44 99\r\n$/) as string,
    });
    expect(podman('rm', '-f', '-t', '0', 'tty').status).toBe(0);
  });

  test('a pod: containers that share network, IPC and host name', () => {
    const infra = ['--infra-image', 'busybox', '--infra-command', 'sleep 1000'];
    // Podman 4.3 lets a group that it makes itself have no device at all where cgroups are of version 2.
    const pod = ['pod', 'create', '--share-parent=false', '--name', 'pod'];
    expect(podman(...pod, ...alone, ...infra)).toMatchObject({ status: 0 });
    const read = 'for name in net ipc uts; do readlink /proc/self/ns/$name; done';
    const seen = [1, 2].map(() => podman('run', '--rm', '--pod', 'pod', 'busybox', 'sh', '-c', read));
    expect(seen.map(({ status }) => status)).toEqual([0, 0]);
    const [first = [], second = []] = seen.map(({ stdout }) => stdout.trim().split('\n'));
    expect(first).toEqual(second);
    const own = ['net', 'ipc', 'uts'].map((name) => realm.call('readlink', `/proc/self/ns/${name}`).stdout.trim());
    expect(first.filter((world) => own.includes(world))).toEqual([]);
    expect(podman('pod', 'rm', '-f', '-t', '0', 'pod').status).toBe(0);
  });

  test.each([
    ['named ids', ['--uidmap', '0:100000:65536'], /^0 100000 65536 0$/],
    ['ids that podman finds', ['--userns', 'auto'], /^0 3000000 \d+ 0$/],
  ])('a user namespace of its own: %s', (_, map, expected) => {
    const script = 'cat /proc/self/uid_map; id -u';
    const { status, stdout, stderr } = podman('run', '--rm', ...alone, ...map, 'busybox', 'sh', '-c', script);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split(/\s+/).join(' ')).toMatch(expected);
  });

  test('update: a limit that this host cannot keep is refused by name, and the container runs on', () => {
    expect(podman('run', '-d', '--name', 'limited', ...alone, 'busybox', ...waits).status).toBe(0);
    const { status, stderr } = podman('update', '--memory', '64m', '--memory-swap', '64m', 'limited');
    const max = podman('exec', 'limited', 'cat', '/sys/fs/cgroup/memory.max');
    if (needs('controller:memory')) expect(max.stdout).toBe(`${64 * 2 ** 20}\n`);
    else expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining('memory') as string });
    expect(podman('exec', 'limited', 'true').status).toBe(0);
    expect(podman('rm', '-f', '-t', '0', 'limited').status).toBe(0);
  });
});

const rootless = podmanRuns && needs('rootless', 'subids', 'tool:useradd');

describe.runIf(rootless)('podman, by an ordinary user', () => {
  let asUser: (...words: string[]) => Called;

  beforeAll(async () => {
    realm = new Realm();
    await realm.open();
    chmodSync(realm.place, 0o755);
    const set = [
      'groupadd --gid 61000 rider && useradd --no-create-home --uid 61000 --gid 61000 rider',
      'sed -i /^rider:/d /etc/subuid /etc/subgid',
      'echo rider:2000000:65536 >>/etc/subuid && echo rider:2000000:65536 >>/etc/subgid',
      'mkdir -p /run/user/61000 && chown 61000:61000 /run/user/61000',
    ].join(' && ');
    const files = `mkdir -p /etc/containers && printf '%s\\n' "$@" >/etc/containers/containers.conf`;
    expect(realm.call('sh', '-c', `${set} && ${files}`, 'sh', ...settings('pids_limit=0'))).toMatchObject({
      status: 0,
    });
    const home = realm.at('home');
    makeStorage(home);
    for (const path of [home, `${home}/storage.conf`]) chownSync(path, 61_000, 61_000);
    const who = [
      ...['setpriv', '--reuid', '61000', '--regid', '61000', '--clear-groups', '--inh-caps=-all', 'env', '-i'],
      ...['PATH=/usr/sbin:/usr/bin:/sbin:/bin', `HOME=${home}`, 'USER=rider', 'XDG_RUNTIME_DIR=/run/user/61000'],
    ];
    asUser = (...words) => realm.call(...who, ...words);
    expect(asUser(`${checkout}/bin/tare`, 'oci', 'install', '--for', 'podman', '--default')).toMatchObject({
      status: 0,
    });
    spawnSync('tar', ['-C', busyboxRoot, '-cf', realm.at('image.tar'), '.']);
    expect(rider('import', realm.at('image.tar'), 'busybox')).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await realm[Symbol.asyncDispose]();
    expect(realm.left()).toEqual([]);
  });

  const rider: Podman = (...words) =>
    asUser('env', `CONTAINERS_STORAGE_CONF=${realm.at('home')}/storage.conf`, 'podman', ...words);

  test('run: root inside, nobody special outside', () => {
    expect(rider('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.Security.Rootless}}').stdout).toBe(
      'tare true\n',
    );
    const script = 'id -u; cat /proc/self/uid_map; exit 7';
    const { status, stdout } = rider('run', '--rm', ...alone, 'busybox', 'sh', '-c', script);
    expect(status).toBe(7);
    expect(stdout.trim().split(/\s+/).slice(0, 4)).toEqual(['0', '0', '61000', '1']);
    expect(rider('run', '--rm', ...alone, 'busybox', 'no-such-command').status).toBe(127);
  });

  test('in the background: exec, stop, start again, remove', () => {
    expect(rider('run', '-d', '--name', 'one', ...alone, '--user', '1000', 'busybox', ...waits)).toMatchObject({
      status: 0,
    });
    expect(rider('exec', 'one', 'sh', '-c', 'id -u; exit 42')).toMatchObject({ status: 42, stdout: '1000\n' });
    expect(rider('exec', '-t', 'one', 'tty')).toMatchObject({ status: 0, stdout: '/dev/pts/0\r\n' });
    expect(rider('stop', '-t', '0', 'one')).toMatchObject({ status: 0 });
    expect(rider('start', 'one')).toMatchObject({ status: 0 });
    expect(rider('rm', '-f', '-t', '0', 'one')).toMatchObject({ status: 0 });
  });
});
