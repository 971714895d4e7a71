/** KVM in this machine: real where the host lets its guests have it, by QEMU's emulation of SVM where the host itself has none. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Timeline } from '../../src/launch/trace.ts';
import { needs } from '../kernel/needs.ts';

const able = needs('root', 'overlay', 'kvm', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs', 'tool:xz');
const tare = join(import.meta.dirname, '../../bin/tare');
const kernel = readdirSync('/boot').find((name) => name.startsWith('vmlinuz-'));

/** Debian's kernel as it is installed here. A guest of this guest takes its time. */
const machine = ['--isolation', 'vm', '--boot-timeout', '900', '--kernel', `/boot/${kernel}`];

const clock = '/sys/devices/system/clocksource/clocksource0/available_clocksource';

function call(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(tare, argv, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test.runIf(able)('a command runs in a virtual machine under KVM, which its kernel sees', () => {
  const script = `cat ${clock}; exit 7`;
  const { status, stdout, stderr } = call('run', ...machine, '--accel', 'kvm', 'busybox', 'sh', '-c', script);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/\bkvm-clock\b/);
  expect(status).toBe(7);
});

test.runIf(able)('KVM is what it takes where it is free to choose', () => {
  // Whoever cannot have KVM is told so.
  expect(call('run', ...machine, 'busybox', 'grep', '-c', 'kvm-clock', clock)).toEqual({
    status: 0,
    stdout: '1\n',
    stderr: '',
  });
});

/** From QEMU's first word to the guest's pid 1, in seconds. */
function bootSeconds(accelerator: 'kvm' | 'tcg'): number {
  const { status, stdout, stderr } = call('trace', '--json', ...machine, '--accel', accelerator, 'busybox', 'true');
  expect([status, stderr]).toEqual([0, '']);
  const { phases } = JSON.parse(stdout) as Timeline;
  return (
    phases.filter(({ name }) => name === 'firmware' || name === 'kernel').reduce((sum, { wallNs }) => sum + wallNs, 0) /
    1e9
  );
}

const times: Partial<Record<'kvm' | 'tcg', number>> = {};

test.runIf(able).each(['kvm', 'tcg'] as const)('the boot of its kernel is followed under %s', (accelerator) => {
  times[accelerator] = bootSeconds(accelerator);
  expect(times[accelerator]).toBeGreaterThan(0);
});

/** A measurement, not a check: it goes to the log, and to dist/test-machine/kvm.json. */
afterAll(() => {
  const { kvm, tcg } = times;
  if (kvm === undefined || tcg === undefined) return;
  const text = `boot of Debian's kernel: KVM ${kvm.toFixed(1)} s, TCG ${tcg.toFixed(1)} s: ${(tcg / kvm).toFixed(1)} times`;
  process.stdout.write(`${text}\n`);
  if (existsSync('/host')) writeFileSync('/host/kvm.json', `${JSON.stringify({ kvmSeconds: kvm, tcgSeconds: tcg })}\n`);
});
