/** What the command says to those who ask for a virtual machine that cannot be: a clear error, and nothing left behind. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Engine } from '../../src/container/engine.ts';
import { newestKept } from '../../src/vm/kernel.ts';
import { listSnapshots } from '../../src/vm/snapshot.ts';
import { changes, type HostState, observeHost, warmUp } from './host-state.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs');
const tare = join(import.meta.dirname, '../../bin/tare');
const vm = ['run', '--isolation', 'vm', '--accel', 'tcg'];
const engine = new Engine();
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const cache = '/var/cache/tare/vm';
const rooms = '/run/tare/vm';
let place = '';
let before: HostState = {};

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'tare-test-'));
  if (!able) return;
  await warmUp(engine);
  // What is kept for the next machine is nothing left behind.
  spawnSync(tare, [...vm, 'busybox', 'true']);
});
afterAll(() => rmSync(place, { recursive: true }));
beforeEach(() => (before = observe()));
afterEach(() => expect(changes(before, observe())).toEqual([]));

/** All that a machine could leave, and no more: weighings and other engines may come and go beside it. */
function observe(): HostState {
  const { mount = [], cgroup = [], process: children = [] } = observeHost(engine);
  return {
    mount: mount.filter((line) => line.includes(`${cache}/`) || line.includes(rooms)),
    cgroup,
    process: children,
    room: namesIn(rooms).filter((name) => !isAlive(name)),
    draft: namesIn(cache).flatMap((kind) => namesIn(join(cache, kind)).filter((name) => name.endsWith('.draft'))),
  };
}

const namesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);
/** `PID-NAME`, of a process that is not ours to judge. */
const isAlive = (room: string): boolean => existsSync(`/proc/${room.split('-')[0]}`);

/** What stands for numbers that differ from kernel to kernel. */
const said = (status: unknown, words: string): string =>
  `${String(status)}: ${words}`.replaceAll(place, 'PLACE').replaceAll(/\d+ MiB alone/g, 'N MiB alone');

function call(...argv: string[]): string {
  const { status, signal, stdout, stderr } = spawnSync(tare, argv, { encoding: 'utf8', timeout: 200_000 });
  return said(status ?? signal, `${stdout}${stderr}`);
}

/** The same on a machine that lacks something: what the script does to mounts is seen by the command alone. */
function callWhere(script: string, ...argv: string[]): string {
  const words = ['--mount', 'sh', '-ec', `${script}; exec "$@"`, 'sh', tare, ...argv];
  const { status, signal, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 200_000 });
  return said(status ?? signal, `${stdout}${stderr}`);
}

/** Of Debian's that are kept. */
const newestKernel = (): string =>
  join(cache, 'kernel', newestKept(readdirSync(join(cache, 'kernel')), 'cloud') ?? '', 'vmlinuz');

const hide = (path: string) => `mount --bind /dev/null ${path}`;

test.runIf(able)('there is no QEMU', () => {
  const where =
    'for qemu in /bin/qemu-system-x86_64 /usr/bin/qemu-system-x86_64; do mount --bind /dev/null $qemu; done';
  expect(callWhere(where, ...vm, 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run a virtual machine: there is no qemu-system-x86_64: ENOENT (hint: apt-get install qemu-system-x86)
    "
  `);
});

test.runIf(able)('there is no kernel, nor a way to get one', () => {
  const where = `mount -t tmpfs none ${cache}; ${hide('/usr/bin/apt-get')}`;
  expect(callWhere(where, ...vm, 'busybox', 'true')).toMatch(/tare: download .*: there is no apt-get: ENOENT/);
});

test.runIf(able)('a kernel that is none, or not there', () => {
  writeFileSync(join(place, 'kernel'), 'no kernel\n'.repeat(500));
  expect(call(...vm, '--kernel', join(place, 'kernel'), 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: read the kernel PLACE/kernel: ENOEXEC (hint: it is no bzImage: give it a vmlinuz of x86-64)
    "
  `);
  expect(call(...vm, '--kernel', join(place, 'none'), 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: read the kernel PLACE/none: ENOENT
    "
  `);
});

test.runIf(able)('the disk is full, so that the image does not fit', () => {
  const where = `mkdir -p ${cache}/disk; mount -t tmpfs -o size=64k,mode=700 none ${cache}/disk`;
  expect(callWhere(where, ...vm, 'busybox', 'true')).toMatch(/^125: tare: make a disk of .*: ENOSPC \(hint: /);
});

test.runIf(able)('the disk is full, so that a snapshot does not fit', () => {
  const where = `mkdir -p ${cache}/snapshot; mount -t tmpfs -o size=1m none ${cache}/snapshot; chmod 700 ${cache}/snapshot`;
  const argv = ['vm', 'snapshot', '--accel', 'tcg', '--name', 'none', 'busybox'];
  expect(callWhere(where, ...argv)).toMatch(/^125: tare: .*ENOSPC/);
});

test.runIf(able)('the disk is full, so that the first files or a kernel do not fit', () => {
  const full = (kind: string) => `mkdir -p ${cache}/${kind}; mount -t tmpfs -o size=4k,mode=700 none ${cache}/${kind}`;
  expect(callWhere(full('initramfs'), ...vm, 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: write to the cache /var/cache/tare/vm/initramfs: ENOSPC (hint: make room in /var/cache/tare/vm/initramfs)
    "
  `);
  cpSync(newestKernel(), join(place, 'vmlinuz'));
  expect(callWhere(full('kernel'), ...vm, '--kernel', join(place, 'vmlinuz'), 'busybox', 'true')).toMatch(
    /^125: tare: .*(\/kernel|the cache).*ENOSPC|ENOSPC.*kernel/,
  );
});

test.runIf(able)('the disk is full that has the memory of a guest to be kept, or resumed', () => {
  const full = `mkdir -p ${rooms}; mount -t tmpfs -o size=20m,mode=755 none ${rooms}`;
  const name = `full-${process.pid}`;
  const keep = ['vm', 'snapshot', '--accel', 'tcg', '--name', name, 'busybox'];
  expect(callWhere(full, ...keep)).toMatch(
    /^125: tare: run a virtual machine: QEMU was ended by SIGBUS[^]*hint: its memory is a file in \/run\/tare\/vm\/.*, and the disk is full/,
  );
  expect(call(...keep)).toBe(`0: ${name}\n`);
  const resumed = callWhere(full, ...vm, '--from-snapshot', name, 'busybox', 'true');
  expect(resumed).toMatch(/^125: tare: take the memory of full-\d+: ENOSPC \(hint: make room on the disk with \/run/);
  call('vm', 'rm', name);
});

test.runIf(able)('a guest that fills its disk is told so, and goes on', () => {
  const fill = 'dd if=/dev/zero of=/x bs=1M 2>&1 | grep -o "No space left on device"; rm /x; echo on';
  expect(call(...vm, 'busybox', 'sh', '-c', fill)).toBe('0: No space left on device\non\n');
});

test.runIf(able)('nothing that a machine runs with is pruned', async () => {
  const name = `used-${process.pid}`;
  const { ended, pid, ready } = running(name);
  await ready;
  const words = readFileSync(`/proc/${await qemuOf(name)}/cmdline`, 'utf8').split(/[\0,]/);
  const files = words.map((word) => word.replace(/^file=/, '')).filter((word) => word.startsWith(cache));
  expect(files).toHaveLength(3);
  for (const path of files) utimesSync(path, 1, 1);
  // As if nothing had been used for a week but by this machine.
  expect(call('vm', 'prune', '--unused', '7')).not.toContain(files[1]);
  expect(files.filter((path) => !existsSync(path))).toEqual([]);
  process.kill(pid, 'SIGTERM');
  expect(await ended).toMatch(/^143: /);
});

test.runIf(able)('an image that is no single directory', () => {
  expect(call(...vm, 'host', 'true')).toMatchInlineSnapshot(`
    "125: tare: make a disk of the image host (hint: this machine's root holds its own mounts: share a part of it with -v)
    "
  `);
  expect(call(...vm, 'nothere', 'true')).toMatchInlineSnapshot(`
    "125: tare: find the image "nothere": ENOENT (hint: an image is busybox, host, dir:PATH or oci:PATH)
    "
  `);
});

test.runIf(able)('a command that is not found in the guest, or is no program', () => {
  expect(call(...vm, 'busybox', 'nothere')).toMatchInlineSnapshot(`
    "127: tare: execute nothere: ENOENT (hint: no nothere in any directory of PATH)
    "
  `);
  expect(call(...vm, 'busybox', '/etc/passwd')).toMatchInlineSnapshot(`
    "126: tare: execute /etc/passwd: EACCES (hint: it is a directory, has no execute permission, or lies on a noexec mount)
    "
  `);
});

test.runIf(able)('too little memory for the kernel, or to boot with', () => {
  expect(call(...vm, '-m', '8m', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: give a guest 8 MiB of memory (hint: its kernel and first files take N MiB alone: -m 256m is plenty)
    "
  `);
  // It panics, or finds no page and hangs: which of them is a matter of luck.
  const stuck = call(...vm, '-m', '53m', '--boot-timeout', '15', 'busybox', 'true');
  expect(stuck).toMatch(/^125: tare: run a virtual machine: [^]*hint: .*53 MiB.* -m\b/);
});

test.runIf(able)('memory runs out in the guest', () => {
  const fill = 'dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>/dev/null; exec tail /dev/zero';
  const answer = call(...vm, '-m', '128m', 'busybox', 'sh', '-c', fill);
  expect(answer).toMatch(/^137: .*the OOM killer ended a process: its memory limit of 128 MiB was reached\n$/);
});

test.runIf(able)('KVM, where it cannot run a guest', () => {
  const where = `mkdir -p ${cache}/accelerator; mount -t tmpfs -o mode=700 none ${cache}/accelerator; [ -e /dev/kvm ] && ${hide('/dev/kvm')}`;
  const kvm = callWhere(where, 'run', '--isolation', 'vm', '--accel', 'kvm', 'busybox', 'true');
  expect(kvm).toMatch(
    /^125: tare: run the guest under KVM: .* \(hint: use --accel tcg, or auto, which falls back to it\)/,
  );
  const auto = callWhere(where, 'run', '--isolation', 'vm', 'busybox', 'echo', 'hi');
  expect(auto).toMatch(/^0: hi\ntare: uses TCG, which is slower: /);
});

test.runIf(able)('a guest that does not boot in time', () => {
  expect(call(...vm, '--boot-timeout', '1', '--machine', 'q35', 'busybox', 'true')).toMatch(
    /^125: tare: run a virtual machine: boot the guest: not done within 1 s/,
  );
});

test.runIf(able)('flags that make no sense for a guest, all at once', () => {
  expect(call(...vm, '--device', '/dev/null', '--pid', 'host', '--pids-limit', '5', 'busybox', 'true'))
    .toMatchInlineSnapshot(`
    "125: tare: run: 3 problems
      --device: not with --isolation vm: those of the host do not reach a guest
      --pids-limit: not with --isolation vm: a guest is limited by its memory and its CPUs
      --pid: not with --isolation vm: a guest shares none with the host
    hint: see tare run --help
    "
  `);
  expect(call('run', '--machine', 'q35', '--network', 'user', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: run: 2 problems
      --machine: only with --isolation vm
      --network user: only with --isolation vm
    hint: see tare run --help
    "
  `);
  expect(call(...vm, '--devices', 'emulated', '--machine', 'microvm', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: give a microvm emulated devices (hint: it has no PCI bus, nor a place for them: use --machine q35 or --machine pc)
    "
  `);
  expect(call(...vm, '--cpus', '1.5', 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: give a guest 1.5 CPUs (hint: it has whole ones: a number from 1 to 64)
    "
  `);
  expect(call(...vm, '-v', `${place}/none:/x`, 'busybox', 'true')).toMatchInlineSnapshot(`
    "125: tare: bind PLACE/none to /x: ENOENT (hint: make it on the host first)
    "
  `);
});

/** The QEMU of a machine by its name, once it is there. */
async function qemuOf(name: string): Promise<number> {
  for (;;) {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${name},process=tare-vm\0`)) return Number(pid);
      } catch {
        // gone meanwhile
      }
    }
    await sleep(20);
  }
}

function running(name: string): {
  readonly ended: Promise<string>;
  readonly pid: number;
  readonly ready: Promise<unknown>;
} {
  const child = spawn(tare, [...vm, '--name', name, 'busybox', 'sh', '-c', 'echo ready; sleep 600']);
  const ended = Promise.all([text(child.stderr), once(child, 'close')]).then(([words, [code, signal]]) =>
    said(code ?? signal, words),
  );
  return { ended, pid: child.pid ?? 0, ready: once(child.stdout, 'data') };
}

test.runIf(able)('QEMU is killed', async () => {
  const name = `killed-${process.pid}`;
  const { ended, ready } = running(name);
  await ready;
  process.kill(await qemuOf(name), 'SIGKILL');
  expect(await ended).toMatch(/^125: tare: run a virtual machine: QEMU was ended by SIGKILL/);
});

test.runIf(able)('QEMU is killed while the guest boots', async () => {
  const name = `early-${process.pid}`;
  const { ended } = running(name);
  process.kill(await qemuOf(name), 'SIGKILL');
  expect(await ended).toMatch(/^125: tare: run a virtual machine: QEMU was ended by SIGKILL/);
});

test.runIf(able)('a signal while the guest boots', async () => {
  const name = `signal-${process.pid}`;
  const { ended, pid } = running(name);
  await qemuOf(name);
  process.kill(pid, 'SIGTERM');
  expect(await ended).toMatch(/^125: tare: boot the guest: ended by SIGTERM/);
});

test.runIf(able)('the machine goes with the process that has it', async () => {
  const name = `orphan-${process.pid}`;
  const { ended, pid, ready } = running(name);
  await ready;
  const qemu = await qemuOf(name);
  process.kill(pid, 'SIGKILL');
  await ended;
  while (readdirSync('/proc').includes(String(qemu))) await sleep(20);
  spawnSync(tare, ['sweep']);
});

test.runIf(able)('two snapshots of one name at once: one is kept', async () => {
  const name = `twice-${process.pid}`;
  const take = async () => {
    const child = spawn(tare, ['vm', 'snapshot', '--accel', 'tcg', '--name', name, 'busybox']);
    const [words] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return said(child.exitCode, words).replaceAll(name, 'NAME');
  };
  const answers = (await Promise.all([take(), take()])).sort();
  expect(answers).toMatchInlineSnapshot(`
    [
      "0: ",
      "125: tare: save the snapshot NAME: EEXIST (hint: remove it first: tare vm rm NAME)
    ",
    ]
  `);
  expect(listSnapshots().filter((snapshot) => snapshot.name === name)).toHaveLength(1);
  expect(call(...vm, '--from-snapshot', name, 'busybox', 'echo', 'hi')).toBe('0: hi\n');
  expect(call(...vm, '--from-snapshot', name, '-m', '64m', 'busybox', 'true').replaceAll(name, 'NAME'))
    .toMatchInlineSnapshot(`
    "125: tare: resume the snapshot NAME with --memory (hint: the machine is as it was saved: leave that out, or boot)
    "
  `);
  expect(call('vm', 'rm', name)).toBe('0: ');
  expect(call('vm', 'rm', name)).toMatch(/^125: tare: find the snapshot .*: ENOENT/);
});
