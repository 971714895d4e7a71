/** What the command says to those who ask for what cannot be: a clear error, the exit code of a shell, nothing left behind. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { probeCgroups } from '../../src/cgroup/hierarchy.ts';
import { Engine } from '../../src/container/engine.ts';
import { run as start } from '../../src/container/run.ts';
import type { Spec } from '../../src/spec/spec.ts';
import { bundle, smallRoot } from './container.ts';
import { changes, type HostState, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox');
const tare = join(import.meta.dirname, '../../bin/tare');
const engine = new Engine();

/** A directory with a root, and what tests put beside it. */
let place = '';
let before: HostState = {};

beforeAll(async () => {
  if (able) await warmUp(engine);
  place = mkdtempSync(join(tmpdir(), 'tare-test-'));
  smallRoot(join(place, 'root'));
  writeFileSync(join(place, 'file'), 'no directory, no JSON, no program\n');
});
afterAll(() => rmSync(place, { recursive: true }));

beforeEach(() => (before = observeHost(engine)));
afterEach(() => expect(changes(before, observeHost(engine))).toEqual([]));

/** The exit code, and what was said. `PLACE` stands for the directory. */
function call(...words: string[]): string {
  const argv = words.map((word) => word.replaceAll('PLACE', place));
  const { status, signal, stdout, stderr } = spawnSync(tare, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return `${status ?? signal}: ${stdout}${stderr}`.replaceAll(place, 'PLACE');
}

const run = (...words: string[]): string => call('run', ...words);

/** An executable file in the root. */
function executable(name: string, content: string): void {
  writeFileSync(join(place, 'root', name), content);
  chmodSync(join(place, 'root', name), 0o755);
}

test.runIf(able)('an image that is not there, or is none', () => {
  expect(run('nothere', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image "nothere": ENOENT (hint: an image is busybox, host, dir:PATH or oci:PATH)
    "
  `);
  expect(run('dir:PLACE/none', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image dir:PLACE/none: ENOENT (hint: PLACE/none does not exist)
    "
  `);
  expect(run('dir:PLACE/file', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image dir:PLACE/file: ENOTDIR (hint: PLACE/file is not a directory)
    "
  `);
  expect(run('dir:', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image dir: (hint: name a directory: an image is busybox, host, dir:PATH or oci:PATH)
    "
  `);
  expect(run()).toMatchInlineSnapshot(`
    "125: tare: run: no image (expected tare run [FLAGS] IMAGE [COMMAND...])
    "
  `);
});

test.runIf(able)('a command that cannot be found', () => {
  expect(run('busybox', 'nosuch')).toMatchInlineSnapshot(`
    "127: tare: execute nosuch: ENOENT (hint: no nosuch in any directory of PATH)
    "
  `);
  expect(run('busybox', '/no/such')).toMatchInlineSnapshot(`
    "127: tare: execute /no/such: ENOENT (hint: no such file in the image; or its interpreter or dynamic linker is missing)
    "
  `);
  expect(run('busybox', '/etc/passwd/true')).toMatchInlineSnapshot(`
    "127: tare: execute /etc/passwd/true: ENOTDIR (hint: a part of the path is not a directory)
    "
  `);
  expect(run('-e', 'PATH=/nowhere', 'busybox', 'true')).toMatchInlineSnapshot(`
    "127: tare: execute true: ENOENT (hint: no true in any directory of PATH)
    "
  `);
  executable('script', '#!/no/such/interpreter\n');
  expect(run('dir:PLACE/root', '/script')).toMatchInlineSnapshot(`
    "127: tare: execute /script: ENOENT (hint: no such file in the image; or its interpreter or dynamic linker is missing)
    "
  `);
});

test.runIf(able)('a command that cannot be executed', () => {
  expect(run('busybox', '/etc/passwd')).toMatchInlineSnapshot(`
    "126: tare: execute /etc/passwd: EACCES (hint: it is a directory, has no execute permission, or lies on a noexec mount)
    "
  `);
  expect(run('busybox', '/tmp')).toMatchInlineSnapshot(`
    "126: tare: execute /tmp: EACCES (hint: it is a directory, has no execute permission, or lies on a noexec mount)
    "
  `);
  executable('garbage', 'neither a program nor a script');
  expect(run('dir:PLACE/root', '/garbage')).toMatchInlineSnapshot(`
    "126: tare: execute /garbage: ENOEXEC (hint: not a program of this machine: another architecture, or a script without a first line such as #!/bin/sh)
    "
  `);
  expect(run('--tmpfs', '/tmp:noexec', 'busybox', 'sh', '-c', 'cp /bin/busybox /tmp; /tmp/busybox true'))
    .toMatchInlineSnapshot(`
    "126: sh: /tmp/busybox: Permission denied
    "
  `);
});

test.runIf(able)('more arguments than the kernel takes', async () => {
  const args = ['true', 'x'.repeat(131_072)];
  await expect(start(engine, { image: 'busybox', args, stdio: 'ignore' })).rejects.toMatchObject({
    errno: 'E2BIG',
    exitCode: 126,
  });
});

const foreign = join(import.meta.dirname, '../../native/build/arm64/tare-init');

test.runIf(able && process.arch === 'x64' && existsSync(foreign))('a program of another architecture', () => {
  copyFileSync(foreign, join(place, 'root/foreign'));
  chmodSync(join(place, 'root/foreign'), 0o755);
  expect(run('dir:PLACE/root', '/foreign')).toMatchInlineSnapshot(`
    "126: tare: execute /foreign: ENOEXEC (hint: not a program of this machine: another architecture, or a script without a first line such as #!/bin/sh)
    "
  `);
});

test.runIf(able)('a command that is none', () => {
  expect(run('busybox', '')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /args: must name the program to run
    "
  `);
  expect(run('--entrypoint', '', 'dir:PLACE/root')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /args: must hold a command: the image names none
    "
  `);
});

test.runIf(able)('flags that there are not, and values that are none', () => {
  expect(run('--frobnicate', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --frobnicate: no such flag
    "
  `);
  expect(run('--cpus', 'lots', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --cpus lots: not a number (expected a number of CPUs from 0.01, such as 1.5)
    "
  `);
  expect(run('-m', '64q', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: -m 64q: not a size (expected a number and one of b, k, m, g or t, such as 64m)
    "
  `);
  expect(run('--pids-limit', '1.5', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --pids-limit 1.5: not a whole number (expected a whole number from 1, or -1 for no limit)
    "
  `);
  expect(run('--ulimit', 'nofile=10:5', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --ulimit nofile=10:5: the soft limit is above the hard one (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    "
  `);
  expect(run('--ulimit', 'nonsense=1', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --ulimit nonsense=1: no limit is called nonsense (expected NAME=SOFT[:HARD], such as nofile=1024:4096; -1 for no limit)
    "
  `);
  expect(run('--cap-add', 'NONSENSE', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --cap-add NONSENSE: no such capability (expected a name of capabilities(7), such as NET_ADMIN, or ALL)
    "
  `);
  expect(run('--name', 'a/b', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --name a/b: not of that form (expected letters, digits, _, . and -, a letter or digit first)
    "
  `);
  expect(run('--name', '..', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --name ..: not of that form (expected letters, digits, _, . and -, a letter or digit first)
    "
  `);
  expect(run('--hostname', 'x'.repeat(65), 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --hostname xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: not of that form (expected a name of 1 to 64 characters)
    "
  `);
});

test.runIf(able)('flags that contradict each other', () => {
  expect(run('-m', '64m', '--memory-swap', '32m', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: --memory-swap 32m: less than --memory 64m, which it includes
    "
  `);
  expect(run('--cap-add', 'KILL', '--cap-drop', 'KILL', '--uts', 'host', '--hostname', 'x', 'busybox', 'true'))
    .toMatchInlineSnapshot(`
    "125: tare: run: 2 problems
      --hostname: would rename this machine with --uts host; leave one of them out
      --cap-add KILL: --cap-drop takes the same away; leave one of them out
    hint: see tare run --help
    "
  `);
  expect(run('-v', '/usr:/mnt', '--tmpfs', '/mnt', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: /mnt: more than one --volume, --mount or --tmpfs there
    "
  `);
});

test.runIf(able)('users and groups that the image does not know', () => {
  expect(run('-u', 'nobodyhere', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the user "nobodyhere" (hint: it is not in the image's /etc/passwd; a number works without)
    "
  `);
  expect(run('-u', '1:nogrouphere', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the group "nogrouphere" (hint: it is not in the image's /etc/group; a number works without)
    "
  `);
  expect(run('-u', 'someone', 'dir:PLACE/root', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the user "someone" (hint: the image has no /etc/passwd; a number works without)
    "
  `);
});

test.runIf(able)('an image whose list of users is a directory', async () => {
  mkdirSync(join(place, 'strange/etc/passwd'), { recursive: true });
  writeFileSync(join(place, 'strange/etc/group'), 'root:x:0:\n');
  const started = start(engine, { image: `dir:${place}/strange`, user: 'root', args: ['true'], stdio: 'ignore' });
  await expect(started).rejects.toThrow('read /etc/passwd of the image: EISDIR');
});

test.runIf(able)('what the host does not have', () => {
  expect(run('-v', '/no/such:/mnt', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: bind /no/such to /mnt: ENOENT (hint: make it on the host first)
    "
  `);
  expect(run('--device', '/dev/nosuch', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /devices/0/source: must be a device of the host: /dev/nosuch is none
    "
  `);
  expect(run('--device', '/etc/passwd', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /devices/0/source: must be a device of the host: /etc/passwd is none
    "
  `);
  expect(run('--security-opt', 'seccomp=/no/such', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: read the seccomp profile /no/such: ENOENT
    "
  `);
  expect(run('--security-opt', 'seccomp=PLACE/file', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: read the seccomp profile PLACE/file (hint: it is not JSON)
    "
  `);
  expect(run('--network', 'ns:/no/such', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: join the network namespace /no/such: open it: ENOENT (hint: its process is gone, or the path is wrong)
    "
  `);
  expect(run('--network', 'ns:/proc/self/ns/uts', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: join the network namespace /proc/self/ns/uts: EINVAL (hint: the path is of another kind of namespace)
    "
  `);
});

test.runIf(able)("settings and limits that are not the container's to change", () => {
  expect(run('--sysctl', 'vm.swappiness=1', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /sysctl/vm.swappiness: belongs to no namespace: it would change the whole machine
    "
  `);
  expect(run('--sysctl', 'net.no.such=1', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: set net.no.such to 1: open sys/net/no/such: ENOENT (hint: this kernel has no such setting)
    "
  `);
  expect(run('--sysctl', 'net.ipv4.ip_forward=many', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: set net.ipv4.ip_forward to many: EINVAL (hint: the kernel does not take this value)
    "
  `);
  expect(run('--network', 'host', '--sysctl', 'net.ipv4.ip_forward=1', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: check the request: 1 problem
      /sysctl/net.ipv4.ip_forward: must not be set in the network namespace of the host
    "
  `);
  expect(run('--ulimit', 'nofile=2000000000', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: limit RLIMIT_NOFILE to 2000000000:2000000000: EPERM (hint: raising a hard limit above our own needs CAP_SYS_RESOURCE)
    "
  `);
});

test.runIf(able)('a working directory that is a file; one that is missing is made', () => {
  expect(run('-w', '/etc/passwd', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: open the working directory /etc/passwd: ENOTDIR (hint: a part of the path is not a directory)
    "
  `);
  expect(run('-w', '/made/here', 'busybox', 'pwd')).toMatchInlineSnapshot(`
    "0: /made/here
    "
  `);
});

test.runIf(able)('a mount point that leads out of the root ends up inside it', () => {
  const outside = join(place, 'outside');
  mkdirSync(outside);
  mkdirSync(join(place, 'root', place, 'outside'), { recursive: true });
  symlinkSync(outside, join(place, 'root/absolute'));
  symlinkSync(`../../../../..${outside}`, join(place, 'root/relative'));
  symlinkSync('/nowhere', join(place, 'root/dangling'));
  const mounted = (target: string) =>
    run('-v', `/etc/hostname:${target}`, 'dir:PLACE/root', 'grep', '-c', ' /etc/hostname ', '/proc/self/mountinfo');
  expect(mounted('/absolute/name')).toBe('0: 1\n');
  expect(mounted('/relative/name')).toBe('0: 1\n');
  expect(mounted('/dangling/name')).toMatchInlineSnapshot(`
    "125: tare: make /dangling/name: open its parent: ENOENT (hint: no such path in the image)
    "
  `);
  expect(mounted('/../../../mnt/../name')).toBe('0: 1\n');
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync('/nowhere')).toBe(false);
});

test.runIf(able)('a container whose name is taken', async () => {
  const name = `tare-test-${process.pid}`;
  const first = spawn(tare, ['run', '-i', '--name', name, 'busybox', 'sh', '-c', 'echo up; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => first.stdout.once('data', resolve));
  const second = run('--name', name, 'busybox', 'true');
  const ended = new Promise((resolve) => first.once('close', resolve));
  first.stdin.end();
  await ended;
  expect(second.replaceAll(name, 'NAME').replaceAll(engine.cgroups.parent ?? '', 'PARENT')).toMatchInlineSnapshot(`
    "125: tare: make the cgroup PARENT/NAME for the container: EEXIST (hint: a container of this name runs, or ended without cleaning up: rmdir PARENT/NAME once it is empty)
    "
  `);
});

const { v1 } = probeCgroups();

test.runIf(able && v1.memory !== undefined)('a file of v2 whose controller is mounted as cgroup v1', () => {
  const asked = ['--cgroup-conf', 'memory.high=64M'];
  expect(run(...asked, 'busybox', 'true').replaceAll(v1.memory ?? '', 'V1')).toMatchInlineSnapshot(`
    "125: tare: cannot limit memory (memory.high): the memory controller is mounted as cgroup v1 at V1 (hint: boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all where there is no systemd; without these limits the container runs)
    "
  `);
});

test.runIf(able && needs('limit:memory'))('less memory than a container needs to start', () => {
  // By v1 it is killed on the way; into a group of v2 it is born, and cannot even be executed.
  expect(run('-m', '4k', 'busybox', 'true')).toMatch(/^125: tare: .*memory ran out.* give it a larger --memory\)\n$/);
});

/** A bundle with this text for its config.json. */
function bundleOf(text: string): string {
  const directory = mkdtempSync(join(place, 'bundle-'));
  mkdirSync(join(directory, 'rootfs'));
  writeFileSync(join(directory, 'config.json'), text);
  return `oci:${directory}`;
}

const nameless = (said: string): string => said.replace(/bundle-\w+/g, 'BUNDLE');

test.runIf(able)('a bundle without a config.json that can be read', () => {
  expect(run('oci:PLACE', 'true')).toMatchInlineSnapshot(`
    "125: tare: read PLACE/config.json of the bundle oci:PLACE: ENOENT
    "
  `);
  expect(run('oci:PLACE/none', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image oci:PLACE/none: ENOENT (hint: PLACE/none does not exist)
    "
  `);
  expect(nameless(run(bundleOf('{'), 'true'))).toMatchInlineSnapshot(`
    "125: tare: read PLACE/BUNDLE/config.json of the bundle oci:PLACE/BUNDLE (hint: it is not JSON: Expected property name or '}' in JSON at position 1)
    "
  `);
  expect(nameless(run(bundleOf('[]'), 'true'))).toMatchInlineSnapshot(`
    "125: tare: check the spec: 1 problem
      the whole of it: must be an object, not a list
    "
  `);
});

test.runIf(able)('a spec with five faults is told all five', () => {
  const faulty = {
    ociVersion: '2.0.0',
    root: { path: 7 },
    process: { cwd: 'relative', args: [], user: { uid: -1, gid: 0 } },
    linux: { namespaces: [{ type: 'mount' }] },
  };
  expect(nameless(run(bundleOf(JSON.stringify(faulty))))).toMatchInlineSnapshot(`
    "125: tare: check the spec: 5 problems
      /root/path: must be a string, not a number
      /process/user/uid: must be a whole number from 0 to 4294967295, not -1
      /process/cwd: must be an absolute path, not 'relative'
      /ociVersion: must be 1.x, not 2.0.0: write the spec anew for 1.3.0
      /process/args: must hold at least one word
    "
  `);
});

const hooked = (spec: Spec): Spec => ({ ...spec, hooks: { prestart: [{ path: '/bin/true' }] } });

test.runIf(able)('a bundle that asks for what tare run does not do', () => {
  const said = run(bundle(hooked)).replace(/oci:\S+/, 'BUNDLE');
  expect(said).toMatchInlineSnapshot(`
    "125: tare: run the hooks of BUNDLE (hint: tare run has none; remove them from config.json)
    "
  `);
  expect(run('-v', '/usr:/mnt', bundle(), 'true').replace(/oci:\S+/, 'BUNDLE')).toMatchInlineSnapshot(`
    "125: tare: run BUNDLE with mounts (hint: a bundle says that in its config.json)
    "
  `);
});

test.runIf(able)('a read-only root without the place for a mount', () => {
  const image = bundle((spec) => ({
    ...spec,
    root: { ...spec.root, readonly: true },
    mounts: [...(spec.mounts ?? []), { destination: '/missing', type: 'tmpfs', source: 'tmpfs' }],
  }));
  const root = join(image.slice('oci:'.length), 'rootfs');
  const script = `mount --bind -o ro ${root} ${root} && exec ${tare} run ${image} /bin/true`;
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' });
  expect(`${status}: ${stderr}`).toMatchInlineSnapshot(`
    "125: tare: make directory /missing: EROFS (hint: the filesystem is read-only)
    "
  `);
});

test.runIf(able && needs('userns'))('id maps that are not ours to give', () => {
  const script = `exec ${tare} run --uidmap 0:100000:65536 --gidmap 0:100000:65536 busybox true`;
  const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  expect(`${status}: ${stderr}`).toMatch(/^125: tare: map .* \(hint: /);
});
