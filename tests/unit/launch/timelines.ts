/** A start as the interpreter could have stamped it, small enough to be checked by hand. */
import { cell, type Op, type Program } from '../../../src/launch/program.ts';
import type { Stamp } from '../../../src/launch/stamps.ts';

const op = (stage: string, call: Op['call'], why: string, more: Partial<Op> = {}): Op => ({
  stage,
  call,
  why,
  args: [],
  ...more,
});

/** When an op began and the CPU time by then, in microseconds. */
export type Moment = readonly [wall: number, cpu: number] | undefined;

/** The clock does not begin at 0. */
const epoch = 7_000_000_000n;
export const at = (microseconds: number): bigint => epoch + BigInt(microseconds * 1000);

export const stampsOf = (moments: readonly Moment[]): Stamp[] =>
  moments.map((moment) =>
    moment === undefined
      ? { wall: undefined, cpu: 0n }
      : { wall: at(moment[0]), cpu: BigInt(Math.round(moment[1] * 1000)) },
  );

export const program: Program = {
  ops: [
    op('guard', 'close_range', 'let no file of the runtime reach the payload'),
    op('namespaces', 'unshare', 'make a mount table of its own'),
    op('namespaces', 'unshare', 'make a network stack of its own'),
    op('namespaces', 'sethostname', 'set the host name'),
    op('seal', 'openat2', 'look for the directory /proc/acpi, to hide it', { allow: ['ENOENT'], skip: 2 }),
    op('seal', 'fsopen', 'open a new tmpfs for hiding /proc/acpi'),
    op('seal', 'move_mount', 'hide /proc/acpi under an empty directory'),
    op('pivot', 'pivot_root', 'make it the root of this mount namespace'),
    op('pivot', 'umount2', "let go of the host's files"),
    op('start', 'execve', 'execute /bin/true, if it is there', { allow: ['ENOENT'] }),
    op('start', 'execve', 'execute true'),
    op('start', 'execve', 'execute what is never reached'),
  ],
  report: cell('sync', 4),
};

export const stamps = stampsOf([
  [400, 150],
  [402, 152],
  [450, 195],
  [1050, 755],
  [1052, 757],
  undefined,
  undefined,
  [1060, 764],
  [1160, 814],
  [1760, 874],
  [1770, 884],
  undefined,
  undefined,
]);

export const bootstrap = {
  program: {
    ops: [op('bootstrap', 'dup3', 'put file descriptor 0 in place'), op('bootstrap', 'execveat', 'execute tare-init')],
  },
  stamps: stampsOf([[240, 2], [245, 7], undefined]),
};

export const marks = { request: at(0), cloned: at(120), executed: at(2000), exited: at(2500) };

/** The same, with a process that stays behind as pid 1 and is slower than the payload. */
export const forking: Program = {
  ops: [
    op('start', 'umask', 'set the umask'),
    op('start', 'clone', 'make the payload a child of pid 1', { min: 1, allow: [0], skip: 2 }),
    op('start', 'close_range', 'keep nothing open'),
    op('start', 'halt', 'stay as pid 1'),
    op('start', 'rt_sigprocmask', 'let signals in again'),
    op('start', 'execve', 'execute true'),
  ],
};

export const forkingStamps = stampsOf([
  [0, 500],
  [5, 505],
  [100, 560],
  [130, 590],
  [90, 10],
  [95, 15],
  [140, 600],
]);
