/** A process between clone3 and its end, as its parent sees it. */
import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { TareError } from '../errors.ts';
import { describeFailure } from './failure.ts';
import { leftBehind } from './fork.ts';
import type { Op, Program } from './program.ts';
import { readStamps, type Stamp } from './stamps.ts';
import type { Surroundings } from './trace.ts';

/** How a process ended, and what it used. */
export interface ProcessExit {
  /** The exit code; `undefined` when a signal ended it. */
  readonly code: number | undefined;
  /** Such as `SIGKILL`; `undefined` when it exited by itself. */
  readonly signal: NodeJS.Signals | undefined;
  /** 0 when it exited by itself. */
  readonly signalNumber: number;
  /** CPU time in microseconds, of the process and of those it has waited for. */
  readonly usage: { readonly user: number; readonly system: number };
  /** When it was reaped: CLOCK_MONOTONIC in ns. */
  readonly at: bigint;
}

/** Called when the program stops. `fd` is what it handed over, the receiver's to close. */
export type OnStop = (op: Op, child: Child, fd: number | undefined, index: number) => void;

export interface ChildOptions {
  readonly program: Program;
  readonly onStop?: OnStop;
}

export interface ChildFds {
  readonly pid: number;
  readonly pidfd: number;
  readonly sync: number;
  /** The program's memory, which the child shares. */
  readonly memory: number;
}

/** In the program's memory: where its stamps are, in bytes. Offset 0 for none. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** In the program's memory: its stamps, the pid of who is to take the process's place (`Program.successor`), answers (`Op.answer`). */
export interface Regions {
  readonly trace: Region;
  readonly successor: number | undefined;
  /** Of the answers that ops wait for: by the op's number. */
  readonly answers: ReadonlyMap<number, number>;
}

/** Offsets in `struct tare_program`, native/launch.h. */
export const header = { state: 40, failedOp: 44, failedErrno: 48, position: 52 } as const;

/** A process between clone3 and its end. */
export class Child {
  /** As this process sees it. */
  pid: number;
  pidfd: number;
  /** Settles when the payload has been executed, or with the reason why it was not. */
  readonly executed: Promise<void>;
  /** Settles when the process has been reaped, whatever became of it before. */
  readonly exited: Promise<ProcessExit>;
  /** Of a traced launch: what the stamps do not say, for `timeline`. Complete once `executed` has settled. */
  surroundings: Surroundings = {};
  readonly #onStop: OnStop | undefined;
  readonly #regions: Regions;
  readonly #settle = { executed: () => {}, failed: (_: Error) => {}, exited: (_: ProcessExit) => {} };
  /** Let go of once it has run: a container may live long. */
  #program: Program | undefined;
  #sync: number;
  #memory: number;
  #stamps: readonly Stamp[] = [];
  #report: Error | undefined;
  #failure: Error | undefined;
  /** Whom this process has followed, until their end: at first one, after `adopt` another. */
  #awaited = 1;
  #former = -1;
  #successor = 0;
  #exit: ProcessExit | undefined;
  /** It was sent SIGKILL: so must be who takes its place. */
  killed = false;

  constructor({ program, onStop }: ChildOptions, regions: Regions, fds: ChildFds) {
    this.#program = program;
    this.#onStop = onStop;
    this.#regions = regions;
    this.pid = fds.pid;
    this.pidfd = fds.pidfd;
    this.#sync = fds.sync;
    this.#memory = fds.memory;
    this.executed = new Promise((resolve, reject) => {
      this.#settle.executed = resolve;
      this.#settle.failed = reject;
    });
    this.exited = new Promise((resolve) => (this.#settle.exited = resolve));
    this.executed.catch(() => {}); // whoever waits for it is told; whoever does not sees the exit
  }

  /** What the program itself said of its failure, before anybody killed it. */
  get report(): Error | undefined {
    return this.#report;
  }

  /** Why the payload was not executed. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** When each op began; empty unless traced. Complete once `executed` has settled. */
  get stamps(): readonly Stamp[] {
    return this.#stamps;
  }

  /** Lets a stopped program go on. */
  go(): void {
    if (this.#sync < 0) return;
    try {
      writeSync(this.#sync, 'g');
    } catch (error) {
      // It is gone, as its end will tell.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }

  op(index: number): Op | undefined {
    return this.#program?.ops[index];
  }

  onStop(op: Op, fd: number | undefined, index: number): void {
    this.#onStop?.(op, this, fd, index);
  }

  onFailure(index: number, error: number): void {
    if (this.#program === undefined) return;
    this.#failure = this.#report = describeFailure(this.#program, index, error === 0 ? this.#answer(index) : error);
  }

  /** The sync socket has reached its end: execve has closed it, or the process is gone. */
  onExecuted(at?: bigint): void {
    if (this.#memory < 0) return;
    this.surroundings = { ...this.surroundings, executed: at };
    this.#readStamps();
    this.#successor = this.#readSuccessor();
    this.#failure ??= this.#readDeath();
    this.#sync = closed(this.#sync);
    this.#memory = closed(this.#memory);
    this.#program = undefined;
    if (this.#failure === undefined) this.#settle.executed();
    else this.#settle.failed(this.#failure);
  }

  /** The pid of a process that was made to take this one's place and that nobody has told of; 0 for none. */
  get unannounced(): number {
    if (this.#former >= 0) return 0;
    return this.#memory < 0 ? this.#successor : this.#readSuccessor();
  }

  /** The next process takes this one's place, whose own end is still to come. */
  adopt(pidfd: number): void {
    this.#awaited += 1;
    this.#former = this.pidfd;
    this.pidfd = pidfd;
    this.pid = pidOf(pidfd);
  }

  /** @returns whether nobody is left to wait for */
  onExit(exit: ProcessExit, adopted: boolean): boolean {
    if (adopted || this.#former < 0) this.#exit = exit;
    this.#awaited -= 1;
    if (this.#awaited > 0) return false;
    this.onExecuted();
    this.pidfd = closed(this.pidfd);
    this.#former = closed(this.#former);
    this.#settle.exited(this.#exit ?? exit);
    return true;
  }

  #readDeath(): Error | undefined {
    const position = this.#read(header.position);
    const op = this.op(position);
    // What a fork has left behind goes on meanwhile, and may be anywhere when the other one executes.
    if (this.#program !== undefined && leftBehind(this.#program).has(position)) return undefined;
    if (op === undefined || op.call === 'execve' || op.call === 'execveat' || op.call === 'halt') return undefined;
    return new TareError(`${op.why}: killed on the way`);
  }

  #readSuccessor(): number {
    const { successor } = this.#regions;
    return successor === undefined ? 0 : this.#read(successor);
  }

  /** What the kernel has answered to a call that could not say so itself, as an errno. */
  #answer(index: number): number {
    const offset = this.#regions.answers.get(index);
    return offset === undefined || this.#memory < 0 ? 0 : -(this.#read(offset) | 0);
  }

  #read(offset: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#memory, bytes, 0, 4, offset);
    return bytes.readUInt32LE(0);
  }

  #readStamps(): void {
    const { offset, length } = this.#regions.trace;
    if (offset === 0) return;
    const bytes = Buffer.alloc(length);
    readSync(this.#memory, bytes, 0, length, offset);
    this.#stamps = readStamps(bytes, this.#program?.ops.length ?? 0);
  }
}

/** From `struct event`, native/spawn.c. */
export function exitOf(event: Buffer): ProcessExit {
  const exited = event.readInt32LE(28) === 1; // CLD_EXITED
  const status = event.readInt32LE(32);
  return {
    code: exited ? status : undefined,
    signal: exited ? undefined : signalName(status),
    signalNumber: exited ? 0 : status,
    usage: {
      user: Number(event.readBigUInt64LE(40)),
      system: Number(event.readBigUInt64LE(48)),
    },
    at: event.readBigUInt64LE(56),
  };
}

/** Real-time signals have no names in Node: `SIG40`. */
export function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}

function pidOf(pidfd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8');
  return Number(/^Pid:\s*(\d+)$/m.exec(info)?.[1] ?? -1);
}

/** Closes it once; what it is afterwards. */
function closed(fd: number): number {
  if (fd >= 0) closeSync(fd);
  return -1;
}
