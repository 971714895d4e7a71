/**
 * `guest`: is there a virtual machine whose kernel calls itself so? The machine's memory is memory of a process of this host, so
 * the host reads it there: it looks for the guest's `struct new_utsname`, from which its own uname(2) answers.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { scalar } from './shapes.ts';

export const guestShape = z.strictObject({
  /** As the guest's own kernel has it. */
  hostname: z.string(),
  /** The machine's memory in MiB. */
  memory: scalar.optional(),
  accelerator: z.enum(['kvm', 'tcg']).optional(),
});
export type GuestExpected = z.output<typeof guestShape>;

interface Guest {
  readonly pid: number;
  /** Of the guest's kernel: `6.1.0`. */
  readonly release: string;
  /** In MiB. */
  readonly memory: number;
  readonly accelerator: 'kvm' | 'tcg';
}

export function checkGuest({ hostname, memory, accelerator }: GuestExpected): Finding {
  const machines = emulators();
  const isOfSize = ({ size }: Mapping): boolean => memory === undefined || String(size / MiB) === memory;
  // A host may have many machines, and all their memory is a lot to read: those of the right size come first.
  const shown = findGuest(machines, hostname, isOfSize) ?? findGuest(machines, hostname, (one) => !isOfSize(one));
  const found =
    shown !== undefined &&
    (memory === undefined || String(shown.memory) === memory) &&
    (accelerator === undefined || shown.accelerator === accelerator);
  return {
    passed: found,
    tested: 'does a kernel in the memory of some QEMU of this host call itself so? (struct new_utsname)',
    expected: [
      `a guest called ${hostname}`,
      ...(memory === undefined ? [] : [`with ${memory} MiB of memory`]),
      ...(accelerator === undefined ? [] : [`run by ${accelerator.toUpperCase()}`]),
    ].join(', '),
    saw:
      shown === undefined
        ? `${machines.length === 0 ? 'no process of QEMU' : `${machines.length} of QEMU's processes, and in none such a name`}`
        : `${hostname} in the memory of process ${shown.pid}: ${shown.memory} MiB, run by ${shown.accelerator.toUpperCase()}, with the kernel ${shown.release}, where this host has ${release()}`,
  };
}

/** By the file that the process executes, not by its name. */
export const emulators = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isEmulator);

function isEmulator(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).startsWith('qemu-system-');
  } catch {
    return false;
  }
}

const MiB = 2 ** 20;

/** No mapping of QEMU itself is so large. */
const leastMemory = 64 * MiB;

/** `__NEW_UTS_LEN` and a NUL: so long is each of the six strings. */
const fieldLength = 65;

interface Mapping {
  readonly address: number;
  readonly size: number;
}

function findGuest(
  machines: readonly number[],
  hostname: string,
  isWanted: (mapping: Mapping) => boolean,
): Guest | undefined {
  const start = Buffer.alloc(2 * fieldLength);
  start.write('Linux', 0);
  start.write(hostname, fieldLength);
  for (const pid of machines) {
    try {
      for (const mapping of mappingsOf(pid)) {
        if (mapping.size < leastMemory || !isWanted(mapping)) continue;
        const name = search(pid, mapping, start, fieldLength);
        if (name === undefined) continue;
        return { pid, release: name, memory: mapping.size / MiB, accelerator: acceleratorOf(pid) };
      }
    } catch {
      // It has ended, or is not ours to look into.
    }
  }
  return undefined;
}

function mappingsOf(pid: number): Mapping[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, from = '0', to = '0'] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      return from === '0' ? [] : [{ address: parseInt(from, 16), size: parseInt(to, 16) - parseInt(from, 16) }];
    });
}

/** The string that follows `start` in a mapping. What the guest has never touched is not read, or it would be there from then on. */
function search(pid: number, { address, size }: Mapping, start: Buffer, length: number): string | undefined {
  const overlap = start.length + length;
  const piece = Buffer.alloc(pieceSize + overlap);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pages = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (let at = 0; at < size; at += pieceSize) {
      if (!isTouched(pages, address + at)) continue;
      const got = readSync(memory, piece, 0, Math.min(piece.length, size - at), address + at);
      const place = piece.subarray(0, got).indexOf(start);
      if (place < 0 || place + overlap > got) continue;
      const text = piece.subarray(place + start.length, place + overlap).toString('latin1');
      return text.slice(0, Math.max(0, text.indexOf('\0')));
    }
    return undefined;
  } finally {
    closeSync(memory);
    closeSync(pages);
  }
}

const pageSize = 4096;
const pieceSize = MiB;

/** Documentation/admin-guide/mm/pagemap.rst: 8 bytes a page, and the highest bit says that it is there. */
function isTouched(pages: number, address: number): boolean {
  const entries = Buffer.alloc((pieceSize / pageSize) * 8);
  const got = readSync(pages, entries, 0, entries.length, (address / pageSize) * 8);
  for (let at = 7; at < got; at += 8) if ((entries[at] ?? 0) >= 0x80) return true;
  return false;
}

/** A process that has made a machine of KVM has it among its open files. */
function acceleratorOf(pid: number): Guest['accelerator'] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).some((fd) => linkOf(join(directory, fd)) === 'anon_inode:kvm-vm') ? 'kvm' : 'tcg';
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}
