/**
 * Who is to execute the guest's instructions. That /dev/kvm opens says little: on some hosts every stock Linux stops in it
 * with an internal error. So the real guest is booted once, under a time limit, and what came of it is remembered for as
 * long as it must be true: the same boot of this host, the same kernel, the same QEMU.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { keep, kept, vmCache } from './cache.ts';
import type { Accelerator } from './machine.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** Where `auto` had to do without KVM: why. */
  readonly instead?: string;
}

export interface AcceleratorFacts {
  readonly wanted: Accelerator | 'auto';
  /** Of the guest's kernel and initramfs, and of QEMU: what the verdict depends on. */
  readonly key: string;
  /** Boots the guest under KVM, to the point where it speaks. Rejects where it does not come that far in time. */
  readonly boot: () => Promise<void>;
  readonly device?: string;
  readonly cache?: string;
}

/** Enough for one part in a million. */
const tscMilliseconds = 20;

interface Verdict {
  readonly works: boolean;
  readonly why: string;
}

/** @throws TareError where KVM was asked for by name and cannot be had: why, and what to use instead */
export async function chooseAccelerator(facts: AcceleratorFacts): Promise<AcceleratorChoice> {
  const { wanted } = facts;
  if (wanted === 'tcg') return { accelerator: 'tcg' };
  const { works, why } = await judge(facts);
  if (works) return { accelerator: 'kvm' };
  if (wanted === 'auto') return { accelerator: 'tcg', instead: why };
  throw new TareError(`run the guest under KVM: ${why}`, { hint: 'use --accel tcg, or auto, which falls back to it' });
}

/** Who it would be, as far as that is known without a boot. */
export function knownAccelerator(wanted: Accelerator | 'auto', key: string, cache = vmCache()): Accelerator {
  if (wanted !== 'auto') return wanted;
  const path = kept(join(cache, 'accelerator'), verdictName(key));
  return path !== undefined && (JSON.parse(readFileSync(path, 'utf8')) as Verdict).works ? 'kvm' : 'tcg';
}

async function judge(facts: AcceleratorFacts): Promise<Verdict> {
  const { device = '/dev/kvm', cache = vmCache(), key, boot } = facts;
  const closed = whyClosed(device);
  if (closed !== undefined) return { works: false, why: closed };
  const path = await keep(join(cache, 'accelerator'), verdictName(key), async (draft) => {
    await writeFile(draft, JSON.stringify(await tryOut(boot)), { mode: 0o600 });
  });
  return JSON.parse(readFileSync(path, 'utf8')) as Verdict;
}

function whyClosed(device: string): string | undefined {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? `there is no ${device}: the processor or the firmware has no virtualization, or its module is not loaded`
      : `${device} may not be used: ${code} (join the group kvm)`;
  }
}

async function tryOut(boot: () => Promise<void>): Promise<Verdict> {
  try {
    await boot();
    return { works: true, why: '' };
  } catch (error) {
    if (!(error instanceof TareError)) throw error;
    return { works: false, why: briefly(error) };
  }
}

/** The line that says most: KVM's own, if there is one. */
function briefly({ message }: TareError): string {
  const lines = message.split('\n').map((line) => line.trim());
  const said = lines.find((line) => /KVM internal error|error: failed to set MSR|kvm/i.test(line)) ?? lines[0] ?? '';
  return `/dev/kvm opens, but the guest does not boot under it (${said.replace(/^(QEMU: |run a virtual machine: )/, '')})`;
}

/** A host that was booted anew may have another kernel, or other nested virtualization around it. */
function verdictName(key: string): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return createHash('sha256').update(`${boot}\0${key}`).digest('hex').slice(0, 32);
}

/** How fast the host's time stamp counter goes, in kHz: measured once per boot of the host. 0 where it has none. */
export async function tscKhz(measure: (milliseconds: number) => number, cache = vmCache()): Promise<number> {
  const path = await keep(join(cache, 'accelerator'), verdictName('tsc'), (draft) =>
    writeFile(draft, String(measure(tscMilliseconds)), { mode: 0o600 }),
  );
  return Number(readFileSync(path, 'utf8'));
}

/** Tells one installed program from another. */
export function programKey(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${path} ${size} ${mtimeMs} ${ino}`;
}
