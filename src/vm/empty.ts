/**
 * The empty machine: no kernel, hardly any memory, a firmware of a hundred bytes. What its start takes is what any start takes
 * under an accelerator, before there is an operating system; and it runs where KVM is too incomplete for Linux.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import { keep, vmCache } from './cache.ts';
import { emptyFirmware, exitValue, ports } from './firmware.ts';
import type { Option } from './device-options.ts';
import type { Accelerator } from './machine.ts';
import { pathOf } from './tool.ts';

export interface EmptyOptions {
  readonly accelerator: Accelerator;
  /** How long it may take, in ms; 10 s where absent. */
  readonly patience?: number;
  /** Directory to keep the firmware in, instead of this user's cache. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/** What became of an empty machine. */
export interface Empty {
  readonly accelerator: Accelerator;
  /** What answered to CPUID: `KVMKVMKVM`, `TCGTCGTCGTCG`. */
  readonly hypervisor: string;
  /** From before QEMU's start to the machine's first word, in ms. */
  readonly toFirstWord: number;
  /** From there until QEMU has ended, in ms. */
  readonly toEnd: number;
}

const qemu = { program: 'qemu-system-x86_64', package: 'qemu-system-x86' };

/** QEMU's options for it, each with its reason. Pure. */
export function emptyMachine(accelerator: Accelerator, firmware: string): Option[] {
  const board = 'microvm,acpi=off,pcie=off,usb=off,rtc=off,pic=off,pit=off,isa-serial=off';
  const hex = (port: number): string => `0x${port.toString(16)}`;
  return [
    { words: ['-name', 'empty,process=tare-vm'], why: 'be found in lists of processes' },
    { words: ['-machine', board], why: 'the least board that there is' },
    { words: ['-accel', accelerator], why: 'what is to be measured' },
    { words: ['-m', '1M'], why: 'the program uses no memory, and QEMU wants some' },
    { words: ['-bios', firmware], why: 'all the software there is' },
    { words: ['-nodefaults'], why: 'only what is on this list' },
    { words: ['-no-user-config'], why: 'no configuration of the host has a say' },
    { words: ['-display', 'none'], why: 'no window' },
    { words: ['-chardev', 'stdio,id=console,signal=off'], why: 'what the machine says goes to our pipe' },
    { words: ['-device', `isa-debugcon,iobase=${hex(ports.console)},chardev=console`], why: 'a port to say it by' },
    { words: ['-device', `isa-debug-exit,iobase=${hex(ports.exit)},iosize=1`], why: 'a port to end by' },
  ];
}

/**
 * Starts an empty machine and waits for its end.
 *
 * @throws {@link TareError} where QEMU is missing, the accelerator may not be used or does not run even this, or at `signal`
 */
export async function runEmpty({
  accelerator,
  patience = 10_000,
  cache = vmCache(),
  signal,
}: EmptyOptions): Promise<Empty> {
  const doing = `start an empty machine under ${accelerator.toUpperCase()}`;
  const program = pathOf(doing, qemu);
  const firmware = await keepFirmware(join(cache, 'firmware'));
  const begun = performance.now();
  let firstWord: number | undefined;
  const running = execa(
    program,
    emptyMachine(accelerator, firmware).flatMap(({ words }) => words),
    {
      stdin: 'ignore',
      encoding: 'buffer',
      maxBuffer: 65_536,
      timeout: patience,
      killSignal: 'SIGKILL',
      reject: false,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  );
  running.stdout.once('data', () => (firstWord = performance.now()));
  const { stdout, stderr, exitCode, timedOut } = await running;
  const ended = performance.now();
  signal?.throwIfAborted();
  const hypervisor = Buffer.from(stdout).toString('latin1').replace(/\0+$/, '');
  if (exitCode === exitValue * 2 + 1 && firstWord !== undefined) {
    return { accelerator, hypervisor, toFirstWord: firstWord - begun, toEnd: ended - firstWord };
  }
  const said = Buffer.from(stderr).toString().trim().split('\n')[0] ?? '';
  const what = timedOut ? `no end within ${patience / 1000} s` : said === '' ? `QEMU ended with ${exitCode}` : said;
  throw new TareError(`${doing}: ${what}`, accelerator === 'kvm' ? { hint: 'use TCG: --accel tcg' } : {});
}

function keepFirmware(room: string): Promise<string> {
  const image = emptyFirmware();
  const name = `empty-${createHash('sha256').update(image).digest('hex').slice(0, 32)}`;
  return keep(room, name, (draft) => writeFile(draft, image));
}
