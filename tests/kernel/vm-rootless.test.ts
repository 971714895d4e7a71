/** An ordinary user, made for these tests, runs virtual machines: QEMU is jailed in a user namespace, and all that is kept is the user's. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findKernel } from '../../src/vm/kernel.ts';
import { needs } from './needs.ts';

const able = needs(
  ...(['root', 'overlay', 'rootless', 'tool:useradd', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs'] as const),
);
const tare = join(import.meta.dirname, '../../bin/tare');
const name = `tare-vm-${process.pid}`;
const user = { uid: 0, gid: 0 };
let home = '';
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

beforeAll(async () => {
  if (!able) return;
  spawnSync('useradd', ['--no-create-home', name]);
  const id = (option: string): number => Number(spawnSync('id', [option, name], { encoding: 'utf8' }).stdout);
  Object.assign(user, { uid: id('-u'), gid: id('-g') });
  home = mkdtempSync(join(tmpdir(), 'tare-test-'));
  chmodSync(home, 0o755);
  mkdirSync(join(home, 'shared'));
  writeFileSync(join(home, 'shared/in'), 'of the host\n');
  // Its own copy of what it would download.
  const { vmlinux = '', name: kernel } = await findKernel();
  cpSync(dirname(vmlinux), join(home, '.cache/tare/vm/kernel', kernel), { recursive: true });
  spawnSync('chmod', ['-R', 'go-w', home]);
  spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, home]);
});
afterAll(() => {
  if (!able) return;
  spawnSync('userdel', [name]);
  rmSync(home, { recursive: true, force: true });
  rmSync(`/tmp/tare-${user.uid}`, { recursive: true, force: true });
});

function call(...argv: string[]): string {
  const env = { PATH: process.env.PATH, HOME: home };
  const { status, signal, stdout, stderr } = spawnSync(tare, argv, { ...user, env, cwd: home, encoding: 'utf8' });
  return `${String(status ?? signal)}: ${stdout}${stderr}`.replaceAll(home, 'HOME');
}

const vm = ['run', '--isolation', 'vm', '--accel', 'tcg'];

test.runIf(able)('a command runs in a machine, as root there, and its exit code is passed on', () => {
  expect(call(...vm, 'busybox', 'sh', '-c', 'id -u; stat -c %u /bin; exit 7')).toBe('7: 0\n0\n');
});

test.runIf(able)('a machine is kept, listed, resumed and removed', () => {
  expect(call('vm', 'snapshot', '--accel', 'tcg', '--name', 'mine', 'busybox')).toBe('0: mine\n');
  expect(call('vm', 'list')).toMatch(/^mine +busybox +microvm, tcg/m);
  expect(call(...vm, '--from-snapshot', 'mine', 'busybox', 'echo', 'hi')).toBe('0: hi\n');
  expect(call('vm', 'rm', 'mine')).toBe('0: ');
  expect(call('vm', 'list')).toBe('0: ');
});

test.runIf(able)('volumes are the user’s on the host, and root’s in the guest', () => {
  const script = 'stat -c %u /v/in; cat /v/in; echo out > /v/out';
  expect(call(...vm, '-v', `${home}/shared:/v`, 'busybox', 'sh', '-c', script)).toBe('0: 0\nof the host\n');
  expect(statSync(join(home, 'shared/out')).uid).toBe(user.uid);
  expect(readFileSync(join(home, 'shared/out'), 'utf8')).toBe('out\n');
});

test.runIf(able)('a network of QEMU’s own needs no privileges', () => {
  expect(call(...vm, '--network', 'user', 'busybox', 'ip', '-4', 'addr')).toContain('inet 10.0.2.15/24');
});

test.runIf(able)('a kernel and a /dev/kvm that only root may open are named, with the cure', () => {
  const kernel = join(home, 'kernel');
  writeFileSync(kernel, 'secret');
  chmodSync(kernel, 0o600);
  expect(call(...vm, '--kernel', kernel, 'busybox', 'true')).toBe(
    '125: tare: read the kernel HOME/kernel: EACCES (hint: may be read by root only: sudo install -m 644 HOME/kernel .)\n',
  );
  expect(call('run', '--isolation', 'vm', '--accel', 'kvm', 'busybox', 'true')).toMatch(
    /^125: tare: run the guest under KVM: .*\/dev\/kvm.* \(hint: use --accel tcg, or auto, which falls back to it\)\n$/,
  );
});

test.runIf(able)('nothing is left of any of it but what is kept', () => {
  const rooms = `/tmp/tare-${user.uid}/vm`;
  expect(readdirSync(rooms)).toEqual([]);
  const kept = readdirSync(join(home, '.cache/tare/vm'), { recursive: true }).map(String);
  expect(kept.filter((path) => path.endsWith('.draft'))).toEqual([]);
  const processes = spawnSync('ps', ['-u', String(user.uid), '-o', 'args='], { encoding: 'utf8' });
  expect(processes.stdout).toBe('');
});
