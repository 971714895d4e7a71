/**
 * From a launch to a process: the one place where tare starts anything.
 *
 * `Spawner.spawn` returns when tare-init has been executed; from then on the child runs its program, and what becomes of
 * it arrives as events from libtare's thread.
 */
import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { TareError } from '../errors.ts';
import { type Arch, errnoName } from '../linux/abi.ts';
import { archValue, F, F_SEAL, flags, MFD, named, type Named } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import { builtFile, type Native } from '../linux/native.ts';
import { bootstrap } from './bootstrap.ts';
import { type Encoded, encode } from './encode.ts';
import { describeFailure } from './failure.ts';
import { type Cell, data, type Op, type Program, ProgramBuilder } from './program.ts';
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

export interface SpawnOptions {
  readonly program: Program;
  /** CLONE_NEWPID, CLONE_NEWUSER: what can only be born. */
  readonly cloneFlags: Named;
  /** The payload's fds 0, 1, 2 … in this process. They stay the caller's to close. */
  readonly fds: readonly number[];
  /** Fds the program uses and the payload never sees. */
  readonly inner?: readonly number[];
  /** fd of the cgroup directory the child is born in. */
  readonly cgroup?: number;
  readonly newUser: boolean;
  readonly lastCapability: number;
  /** The program makes another process, which takes the child's place: joining a pid namespace needs one. */
  readonly forks?: boolean;
  readonly trace?: boolean;
  /** Called when the program stops. `fd` is what it handed over, the receiver's to close. */
  readonly onStop?: (op: Op, child: Child, fd: number | undefined, index: number) => void;
}

/** Layout of `struct spawn`, native/spawn.c. */
const request = {
  flags: 8,
  cgroup: 16,
  bootstrap: 20,
  program: 28,
  memoryCell: 36,
  syncCell: 40,
  answer: 44,
  size: 80,
};
const steps = ['', 'keep the launch program', 'open the sync socket', 'clone3', 'bootstrap', 'follow the child'];

/** Layout of `struct event`, native/spawn.c. */
const eventSize = 64;
const eventKind = { message: 1, executed: 2, exited: 3 } as const;
const failure = 2;

/** Offsets in `struct tare_program`, native/launch.h. */
const header = { state: 40, failedOp: 44, failedErrno: 48, position: 52 } as const;
const failed = 3;

export class Spawner {
  readonly #native: Native;
  readonly #arch: Arch;
  readonly #tareInit: number;
  readonly #events: Socket;
  readonly #children = new Map<number, Child>();
  #next = 1;
  #rest: Buffer = Buffer.alloc(0);

  constructor(native: Native, host: Pick<Host, 'arch' | 'kernel'>) {
    this.#native = native;
    this.#arch = host.arch;
    const [major, minor] = host.kernel;
    const execFlag = major > 6 || (major === 6 && minor >= 3);
    this.#tareInit = this.#sealedMemory('tare-init', readFileSync(builtFile('tare-init')), execFlag);
    this.#events = new Socket({ fd: native.events, readable: true, writable: false });
    this.#events.unref();
    this.#events.on('data', (chunk) => this.#receive(chunk));
  }

  /**
   * Runs a program in this thread; what its cells hold afterwards. Throws the failing op's own words.
   *
   * @param opened cells of fds that are closed if the program fails after opening them
   */
  run(program: Program, opened: readonly Cell[] = []): ReadonlyMap<Cell, number> {
    const encoded = encode(program, { arch: this.#arch });
    this.#native.run(encoded.bytes);
    const cells = new Map([...encoded.cells].map(([cell, home]) => [cell, encoded.bytes.readInt32LE(home.offset)]));
    if (encoded.bytes.readUInt32LE(header.state) !== failed) return cells;
    for (const cell of opened) closeOpened(cells.get(cell));
    throw failureOf(program, encoded.bytes);
  }

  spawn(options: SpawnOptions): Child {
    const id = this.#next++;
    const program = encode(options.program, { arch: this.#arch, trace: options.trace ?? false });
    const boot = bootstrap({
      tareInit: this.#tareInit,
      fds: options.fds,
      inner: options.inner ?? [],
      newUser: options.newUser,
      lastCapability: options.lastCapability,
    });
    const bootProgram = encode(boot.program, { arch: this.#arch, trace: options.trace ?? false });
    const block = pack(id, options, bootProgram, program, this.#arch);
    block.writeUInt32LE(bootProgram.cells.get(boot.memory)?.offset ?? 0, request.memoryCell);
    block.writeUInt32LE(bootProgram.cells.get(boot.sync)?.offset ?? 0, request.syncCell);

    const cloned = process.hrtime.bigint();
    this.#native.spawn(block);

    const error = block.readInt32LE(request.answer + 16);
    const step = block.readUInt32LE(request.answer + 20);
    const bootAt = block.readUInt32LE(request.bootstrap);
    if (steps[step] === 'bootstrap') throw failureOf(boot.program, block.subarray(bootAt));
    if (step !== 0) throw spawnError(steps[step] ?? 'spawn', error, options);
    const child = new Child(options, program, {
      pid: block.readInt32LE(request.answer),
      pidfd: block.readInt32LE(request.answer + 4),
      sync: block.readInt32LE(request.answer + 8),
      memory: block.readInt32LE(request.answer + 12),
    });
    if (bootProgram.trace !== 0) {
      const stamps = readStamps(block.subarray(bootAt + bootProgram.trace), boot.program.ops.length);
      child.surroundings = { cloned, bootstrap: { program: boot.program, stamps } };
    }
    this.#children.set(id, child);
    if (this.#children.size === 1) this.#events.ref();
    return child;
  }

  /** Sends a signal to a child by its pidfd, so that it can never reach another process. */
  kill(child: Child, signal: NodeJS.Signals | number): void {
    if (child.pidfd < 0) return;
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    const b = new ProgramBuilder();
    const name = named(number, String(signal));
    b.op(`send ${signal} to the container`, 'pidfd_send_signal', [child.pidfd, name, 0, 0], { allow: ['ESRCH'] });
    this.run({ ops: b.ops });
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; at + eventSize <= bytes.length; at += eventSize) this.#dispatch(bytes.subarray(at, at + eventSize));
    this.#rest = bytes.subarray(at);
  }

  #dispatch(event: Buffer): void {
    const id = Number(event.readBigUInt64LE(0));
    const child = this.#children.get(id);
    if (child === undefined) return;
    const kind = event.readUInt32LE(8);
    if (kind === eventKind.executed) child.onExecuted(event.readBigUInt64LE(56));
    else if (kind === eventKind.message) this.#message(id, child, event);
    else if (kind === eventKind.exited && child.onExit(exitOf(event))) {
      this.#children.delete(id);
      if (this.#children.size === 0) this.#events.unref();
    }
  }

  #message(id: number, child: Child, event: Buffer): void {
    const index = event.readUInt32LE(12);
    const fd = event.readInt32LE(24);
    if (event.readUInt32LE(16) === failure) return child.onFailure(index, event.readInt32LE(20));
    const op = child.op(index);
    if (op?.stop === 'pidfd') {
      child.adopt(fd);
      this.#native.follow(id, fd);
    } else if (op !== undefined) child.onStop(op, fd < 0 ? undefined : fd, index);
  }

  /** A file without a name that nobody can change: what executes it cannot be reached through /proc/self/exe (CVE-2019-5736). */
  #sealedMemory(name: string, bytes: Buffer, execFlag: boolean): number {
    const b = new ProgramBuilder().stage('tare-init');
    // Since Linux 6.3 an executable memfd is asked for by name: vm.memfd_noexec may refuse the others.
    const create = flags(MFD, 'CLOEXEC', 'ALLOW_SEALING', ...(execFlag ? (['EXEC'] as const) : []));
    const memory = b.result('memory', `create memory for ${name}`, 'memfd_create', [name, create], {
      hints: { EACCES: 'the sysctl vm.memfd_noexec is 2: containers are started from such memory' },
    });
    b.op(`fill in ${name}`, 'write', [memory, data(name, [{ bytes }]), bytes.length], { min: bytes.length });
    const seals = flags(F_SEAL, 'SEAL', 'SHRINK', 'GROW', 'WRITE');
    b.op(`seal ${name}`, 'fcntl', [memory, flags(F, 'ADD_SEALS'), seals]);
    return this.run({ ops: b.ops }).get(memory) ?? -1;
  }
}

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
  readonly #options: SpawnOptions;
  readonly #encoded: Encoded;
  readonly #settle = { executed: () => {}, failed: (_: Error) => {}, exited: (_: ProcessExit) => {} };
  #sync: number;
  #memory: number;
  #stamps: readonly Stamp[] = [];
  #failure: Error | undefined;
  #awaited: number;

  constructor(
    options: SpawnOptions,
    encoded: Encoded,
    fds: { pid: number; pidfd: number; sync: number; memory: number },
  ) {
    this.#options = options;
    this.#encoded = encoded;
    this.pid = fds.pid;
    this.pidfd = fds.pidfd;
    this.#sync = fds.sync;
    this.#memory = fds.memory;
    this.#awaited = options.forks === true ? 2 : 1;
    this.executed = new Promise((resolve, reject) => {
      this.#settle.executed = resolve;
      this.#settle.failed = reject;
    });
    this.exited = new Promise((resolve) => (this.#settle.exited = resolve));
    this.executed.catch(() => {}); // whoever waits for it is told; whoever does not sees the exit
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
    if (this.#sync >= 0) writeSync(this.#sync, 'g');
  }

  op(index: number): Op | undefined {
    return this.#options.program.ops[index];
  }

  onStop(op: Op, fd: number | undefined, index: number): void {
    this.#options.onStop?.(op, this, fd, index);
  }

  onFailure(index: number, error: number): void {
    this.#failure = describeFailure(this.#options.program, index, error);
  }

  /** The sync socket has reached its end: execve has closed it, or the process is gone. */
  onExecuted(at?: bigint): void {
    if (this.#memory < 0) return;
    this.surroundings = { ...this.surroundings, executed: at };
    this.#readStamps();
    this.#failure ??= this.#readDeath();
    this.#sync = closed(this.#sync);
    this.#memory = closed(this.#memory);
    if (this.#failure === undefined) this.#settle.executed();
    else this.#settle.failed(this.#failure);
  }

  /** The next process takes this one's place. */
  adopt(pidfd: number): void {
    closed(this.pidfd);
    this.pidfd = pidfd;
    this.pid = pidOf(pidfd);
  }

  /** True when nobody is left to wait for. */
  onExit(exit: ProcessExit): boolean {
    this.#awaited -= 1;
    if (this.#awaited > 0 && this.#failure === undefined) return false;
    this.onExecuted();
    this.pidfd = closed(this.pidfd);
    this.#settle.exited(exit);
    return true;
  }

  #readDeath(): Error | undefined {
    const bytes = Buffer.alloc(4);
    readSync(this.#memory, bytes, 0, 4, header.position);
    const op = this.op(bytes.readUInt32LE(0));
    if (op === undefined || op.call === 'execve' || op.call === 'execveat' || op.call === 'halt') return undefined;
    return new TareError(`${op.why}: killed on the way`);
  }

  #readStamps(): void {
    if (this.#encoded.trace === 0) return;
    const bytes = Buffer.alloc(this.#encoded.bytes.length - this.#encoded.trace);
    readSync(this.#memory, bytes, 0, bytes.length, this.#encoded.trace);
    this.#stamps = readStamps(bytes, this.#options.program.ops.length);
  }
}

function pack(id: number, options: SpawnOptions, boot: Encoded, program: Encoded, arch: Arch): Buffer {
  const bootAt = request.size;
  const programAt = Math.ceil((bootAt + boot.bytes.length) / 16) * 16;
  // Not from Node's pool: the bootstrap's addresses must hold until the call is over.
  const block = Buffer.allocUnsafeSlow(programAt + program.bytes.length);
  block.fill(0, 0, request.size);
  block.writeBigUInt64LE(BigInt(id), 0);
  block.writeBigUInt64LE(BigInt(archValue(options.cloneFlags.value, arch)), request.flags);
  block.writeInt32LE(options.cgroup ?? -1, request.cgroup);
  block.writeUInt32LE(bootAt, request.bootstrap);
  block.writeUInt32LE(boot.bytes.length, request.bootstrap + 4);
  block.writeUInt32LE(programAt, request.program);
  block.writeUInt32LE(program.bytes.length, request.program + 4);
  boot.bytes.copy(block, bootAt);
  program.bytes.copy(block, programAt);
  return block;
}

function exitOf(event: Buffer): ProcessExit {
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
function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}

function failureOf(program: Program, memory: Buffer): TareError {
  return describeFailure(program, memory.readUInt32LE(header.failedOp), memory.readInt32LE(header.failedErrno));
}

function spawnError(step: string, error: number, options: SpawnOptions): TareError {
  const errno = errnoName(error);
  const hints: Record<string, string> = {
    EAGAIN: 'the limit on processes is reached: see ulimit -u and pids.max of the cgroup',
    ENOSPC: 'the limit on nested or counted namespaces is reached: see /proc/sys/user/max_*_namespaces',
    EUSERS: 'user namespaces are nested too deeply',
    EPERM:
      'creating namespaces needs root or a user namespace, and a system that lets ordinary users make one: run tare doctor',
    EMFILE: 'the limit on open files is reached: raise ulimit -n',
  };
  return new TareError(`start a process (${step}(${options.cloneFlags.text}))`, { errno, hint: hints[errno] });
}

function pidOf(pidfd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8');
  return Number(/^Pid:\s*(\d+)$/m.exec(info)?.[1] ?? -1);
}

/** Closes what a program has opened. A cell that no op has filled holds 0, and one whose open failed a negative errno. */
export function closeOpened(fd = 0): void {
  if (fd > 2) closeSync(fd);
}

/** Closes it once; what it is afterwards. */
function closed(fd: number): number {
  if (fd >= 0) closeSync(fd);
  return -1;
}
