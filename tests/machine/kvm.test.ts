/** KVM in this machine: real where the host lets its guests have it, by QEMU's emulation of SVM where the host itself has none. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { needs } from '../kernel/needs.ts';

/** Not on every machine that vagrant brings up. */
const initrd = '/boot/initrd-small';
const able = needs('kvm', 'tool:qemu-system-x86_64') && existsSync(initrd);
const kernel = readdirSync('/boot').find((name) => name.startsWith('vmlinuz-'));

/** What init of scripts/machine/initrd-init says first. */
const spoken = 'tare: linux runs here';

interface Boot {
  /** From QEMU's start to init's first word; undefined where that did not come in time. */
  readonly seconds: number | undefined;
  readonly console: string;
}

/** Debian's kernel as it is, with one processor and nothing attached but a serial line. */
async function boot(accelerator: 'kvm' | 'tcg', patience: number): Promise<Boot> {
  const begun = performance.now();
  const machine = ['-machine', 'q35', '-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'qemu64'];
  const linux = ['-kernel', `/boot/${kernel}`, '-initrd', initrd, '-append', 'console=ttyS0 panic=-1'];
  const rest = ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-m', '256', '-serial', 'stdio'];
  const qemu = spawn('qemu-system-x86_64', [...machine, ...linux, ...rest], { stdio: ['pipe', 'pipe', 'pipe'] });
  let console = '';
  const seconds = await new Promise<number | undefined>((resolve) => {
    const limit = setTimeout(() => resolve(undefined), patience * 1000);
    for (const stream of [qemu.stdout, qemu.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        console += piece;
        if (console.includes(spoken)) resolve((performance.now() - begun) / 1000);
      });
    }
    qemu.once('close', () => {
      clearTimeout(limit);
      resolve(undefined);
    });
  });
  const gone = new Promise((resolve) => qemu.once('close', resolve));
  if (qemu.exitCode === null && qemu.signalCode === null) {
    qemu.kill('SIGKILL');
    await gone;
  }
  return { seconds, console };
}

const times: Partial<Record<'kvm' | 'tcg', number>> = {};

test.runIf(able)("Debian's kernel boots under KVM", async () => {
  const { seconds, console } = await boot('kvm', 180);
  expect(console).toContain(spoken);
  expect(console).toMatch(/Hypervisor detected: KVM/);
  times.kvm = seconds!;
});

test.runIf(able)('it boots under TCG too, where no KVM is detected', async () => {
  const { seconds, console } = await boot('tcg', 480);
  expect(console).toContain(spoken);
  expect(console).not.toMatch(/Hypervisor detected: KVM/);
  times.tcg = seconds!;
});

/** A measurement, not a check: it goes to the log, and to dist/test-machine/kvm.json. */
afterAll(() => {
  const { kvm, tcg } = times;
  if (kvm === undefined || tcg === undefined) return;
  const text = `boot of Debian's kernel to init: KVM ${kvm.toFixed(1)} s, TCG ${tcg.toFixed(1)} s: ${(tcg / kvm).toFixed(1)} times`;
  process.stdout.write(`${text}\n`);
  if (existsSync('/host')) writeFileSync('/host/kvm.json', `${JSON.stringify({ kvmSeconds: kvm, tcgSeconds: tcg })}\n`);
});
