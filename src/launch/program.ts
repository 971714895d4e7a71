/**
 * The launch program: creating a container as a flat list of raw system calls, as a value.
 *
 * A program has no branches but one: an op whose failure is expected (`allow`) may `skip` the ops that only
 * make sense had it succeeded. It jumps forward only, so every program ends.
 */
import type { Errno, Syscall } from '../linux/abi.ts';
import type { Named } from '../linux/flags.ts';

/** A 64-bit slot that an op fills with its result and that later ops take as an argument: `$root`. */
export interface Cell {
  readonly kind: 'cell';
  readonly name: string;
  /** What it holds before any op has filled it. */
  readonly initial?: number;
}

/** A field of a block of memory, in order, without padding of its own. */
export type Field =
  | { readonly u8: number }
  | { readonly u16: number }
  | { readonly u32: number | Named }
  | { readonly u64: number | bigint | Named }
  | { readonly bytes: Uint8Array }
  /** 64 bits that hold the address of another block. */
  | { readonly address: string | Data | null }
  /** The home of a cell, so that an fd can land inside a struct: 4 or 8 bytes wide. */
  | { readonly cell: Cell; readonly width: 4 | 8 }
  /** 64 bits that hold the address of a cell's slot, for calls that fill memory themselves. */
  | { readonly slot: Cell }
  /** 32 bits: the number of the op that the block is an argument of, so that a message can name its sender. */
  | { readonly self: true };

/** A block of memory whose address is the argument. `text` is how a reader sees it: `{flags: O_PATH, resolve: IN_ROOT}`. */
export interface Data {
  readonly kind: 'data';
  readonly text: string;
  readonly fields: readonly Field[];
}

/** An argument: a value, the address of a string or block, or what a cell holds. */
export type Arg = number | bigint | Named | string | Data | Cell;

/** One system call, and all there is to say of it. */
export interface Op {
  /** What the call does and to what, once: the comment, the explanation and the error. */
  readonly why: string;
  readonly call: Syscall | 'halt';
  readonly args: readonly Arg[];
  /** A smaller result is a failure: `read` at end of file returns 0, and a dead parent must not look like "go". Default 0. */
  readonly min?: number;
  /** What a result below `min` means. */
  readonly short?: string;
  /** Errnos that are fine; 0 stands for a result below `min`. */
  readonly allow?: readonly (Errno | 0)[];
  /** How many following ops to jump over when an allowed failure happened. */
  readonly skip?: number;
  /** Try again on this errno, at most so many times, after a pause of so many microseconds (65535 at most). */
  readonly retry?: { readonly on: Errno; readonly times: number; readonly pause?: number };
  /** Where the kernel's own answer is, a negative errno, once a result below `min` says that there is one. */
  readonly answer?: Cell;
  /** Where the result goes. After an allowed failure the cell holds the negative errno. */
  readonly into?: Cell;
  /** Cures, by errno, that only this op knows. */
  readonly hints?: Partial<Record<Errno, string>>;
  /** The chapter it belongs to: `namespaces`, `root`, `mounts`, `identity` … */
  readonly stage: string;
  /** This op tells the parent, by a `STOPPED` message, that something is due. */
  readonly stop?: Stop;
}

/**
 * Why a child speaks to its parent: `maps` (write my id maps), `pidfd` (here is who goes on in my place), `hooks` (the view is
 * built, look at it), `devices` (here is my network, move devices to it), `terminal` (here is the pty's master), `seccomp` (here is the notify listener), `start` (all is ready: say
 * when), `step` (a debugger's stop).
 */
export type Stop = 'maps' | 'pidfd' | 'devices' | 'hooks' | 'terminal' | 'seccomp' | 'start' | 'step';

/** The calls that make a container, in order, and the few cells that whoever runs them must know. */
export interface Program {
  readonly ops: readonly Op[];
  /** The cell that holds the fd which hears of a failure. */
  readonly report?: Cell;
  /** The cell that holds the pid which the interpreter, as pid 1, waits for after `halt`. */
  readonly child?: Cell;
  /** The cell into which the kernel writes the pid of a process that is to take this one's place. */
  readonly successor?: Cell;
}

export const cell = (name: string, initial?: number): Cell =>
  initial === undefined ? { kind: 'cell', name } : { kind: 'cell', name, initial };
export const data = (text: string, fields: readonly Field[]): Data => ({ kind: 'data', text, fields });

/** The address of an array of strings closed by a null pointer, as `execve` takes its arguments. */
export const strings = (values: readonly string[]): Data =>
  data(JSON.stringify(values), [...values.map((value) => ({ address: value })), { address: null }]);

type OpOptions = Omit<Op, 'why' | 'call' | 'args' | 'stage'>;

/** Collects ops in order; each stage of `compile` is handed one. */
export class ProgramBuilder {
  readonly #ops: Op[] = [];
  #stage = '';

  /** Opens a chapter: every op that follows belongs to it. */
  stage(name: string): this {
    this.#stage = name;
    return this;
  }

  op(why: string, call: Op['call'], args: readonly Arg[], options: OpOptions = {}): void {
    this.#ops.push({ why, call, args, stage: this.#stage, ...options });
  }

  /** Like `op`, for a call whose result later ops need: returns the cell it lands in. */
  result(name: string, why: string, call: Op['call'], args: readonly Arg[], options: OpOptions = {}): Cell {
    const into = cell(name);
    this.op(why, call, args, { ...options, into });
    return into;
  }

  /** Opens something that may not be there: its allowed failure skips all that `then` adds. */
  ifFound(why: string, call: Op['call'], args: readonly Arg[], options: OpOptions, then: (found: Cell) => void): void {
    const found = cell('found');
    this.unless(why, call, args, { ...options, into: found }, () => then(found));
  }

  /** An op whose allowed failure skips all that `then` adds. */
  unless(why: string, call: Op['call'], args: readonly Arg[], options: OpOptions, then: () => void): void {
    const at = this.#ops.length;
    this.op(why, call, args, options);
    then();
    const guard = this.#ops[at];
    if (guard !== undefined) this.#ops[at] = { ...guard, skip: this.#ops.length - at - 1 };
  }

  get ops(): readonly Op[] {
    return this.#ops;
  }
}
