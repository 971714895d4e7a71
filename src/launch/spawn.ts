/**
 * From a launch to a process: the one place where tare starts anything.
 *
 * `Spawner.spawn` returns when tare-init has been executed; from then on the child runs its program, and what becomes of
 * it arrives as events from libtare's thread.
 */
import { closeSync, readFileSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { TareError } from '../errors.ts';
import type { Arch } from '../linux/abi.ts';
import { named, type Named } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import { builtFile, type Native } from '../linux/native.ts';
import { bootstrap } from './bootstrap.ts';
import { Child, type ChildOptions, exitOf, header } from './child.ts';
import { type Encoded, encode } from './encode.ts';
import { describeFailure } from './failure.ts';
import { Memory } from './memory.ts';
import { type Cell, cell, data, type Program, ProgramBuilder } from './program.ts';
import { type Boot, pack, request, spawnError, steps } from './spawn-request.ts';
import { readStamps } from './stamps.ts';
import { asksForExec, sealTareInit } from './tare-init.ts';

export interface SpawnOptions extends ChildOptions {
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
  readonly trace?: boolean;
  /** `program` as bytes, where they are known already. */
  readonly encoded?: Encoded;
  /** It outlives this process: whoever is its parent then collects its exit status. */
  readonly unreaped?: boolean;
  /** Nothing waits for its end. */
  readonly background?: boolean;
}

/** Layout of `struct event`, native/spawn.c. */
const eventSize = 64;
const eventKind = { message: 1, executed: 2, exited: 3 } as const;
const failure = 2;

/** A process has an even id; who takes its place (`Child.adopt`) has the next one. */
const ownId = (id: number): number => id - (id % 2);
const isAdopted = (id: number): boolean => id % 2 === 1;
const adoptedId = (id: number): number => id + 1;

/** `UNREAPED` of native/spawn.c. */
const unreaped = 2 ** 40;

/** So many bootstraps are remembered; then it begins anew. */
const mostBoots = 64;

/** `TARE_FAILED`. */
const failed = 3;

export class Spawner {
  readonly #native: Native;
  readonly #arch: Arch;
  readonly #tareInit: number;
  #listener: Socket | undefined;
  readonly #children = new Map<number, Child>();
  readonly #background = new Set<number>();
  readonly #unreaped = new Set<number>();
  readonly #memory = new Memory();
  readonly #boots = new Map<string, Boot>();
  #next = 2;
  #rest: Buffer = Buffer.alloc(0);

  constructor(native: Native, host: Pick<Host, 'arch' | 'kernel'>) {
    this.#native = native;
    this.#arch = host.arch;
    this.#tareInit = this.#openTareInit(asksForExec(host));
  }

  /** Hears of children through the event loop from now on. Until then only `attend` does. */
  listen(): void {
    if (this.#listener !== undefined) return;
    this.#listener = new Socket({ fd: this.#native.events, readable: true, writable: false });
    this.#listener.on('data', (chunk) => this.#receive(chunk));
    this.#hold();
  }

  /**
   * Stands still and hears of children without the event loop, which takes Node some 5 ms to set up: for a command whose
   * container may be gone before that. Nothing else happens meanwhile.
   *
   * @returns whether all children have ended within so many ms
   */
  attend(milliseconds: number): boolean {
    const deadline = performance.now() + milliseconds;
    const chunk = Buffer.alloc(eventSize * 16);
    while (this.busy) {
      const left = deadline - performance.now();
      if (left <= 0 || !this.#poll(left)) return false;
      this.#receive(chunk.subarray(0, readSync(this.#native.events, chunk)));
    }
    return true;
  }

  /** Whether there is something to hear within so many ms. */
  #poll(milliseconds: number): boolean {
    const ready = cell('ready');
    const b = new ProgramBuilder();
    const events = data('{events, POLLIN}', [{ u32: this.#native.events }, { u16: 1 }, { u16: 0 }]);
    const time = data(`{${milliseconds} ms}`, [{ u64: 0 }, { u64: Math.ceil(milliseconds * 1e6) }]);
    b.op('wait for news of a child', 'ppoll', [events, 1, time, 0, 8], { into: ready, allow: ['EINTR'] });
    return (this.run({ ops: b.ops }).get(ready) ?? 0) > 0;
  }

  /** Ends this process at once: putting V8's memory away first takes Node some 3 ms. */
  leave(code: number): void {
    process.emit('exit', code);
    const b = new ProgramBuilder();
    b.op('end this process', 'exit_group', [code]);
    this.run({ ops: b.ops });
  }

  /**
   * Runs a program in this thread; what its cells hold afterwards. Throws the failing op's own words.
   *
   * @param opened cells of fds that are closed if the program fails after opening them
   */
  run(program: Program, opened: readonly Cell[] = []): ReadonlyMap<Cell, number> {
    const encoded = this.encode(program);
    this.#native.run(encoded.bytes);
    const cells = new Map([...encoded.cells].map(([cell, home]) => [cell, encoded.bytes.readInt32LE(home.offset)]));
    if (encoded.bytes.readUInt32LE(header.state) !== failed) return cells;
    for (const cell of opened) closeOpened(cells.get(cell));
    throw failureOf(program, encoded.bytes);
  }

  spawn(options: SpawnOptions): Child {
    const id = this.#next;
    this.#next += 2;
    const program = options.encoded ?? this.encode(options.program, options.trace);
    const { boot, encoded: bootProgram } = this.#bootFor(options);
    // Of one that is to be followed by another only that other's end counts.
    const kept = options.unreaped === true && options.program.successor === undefined;
    const block = pack(id + (kept ? unreaped : 0), options, { boot, encoded: bootProgram }, program, this.#arch);

    const cloned = process.hrtime.bigint();
    this.#native.spawn(block);

    const error = block.readInt32LE(request.answer + 16);
    const step = block.readUInt32LE(request.answer + 20);
    const bootAt = block.readUInt32LE(request.bootstrap);
    if (steps[step] === 'bootstrap') throw failureOf(boot.program, block.subarray(bootAt));
    if (step !== 0) throw spawnError(steps[step] ?? 'spawn', error, options);
    const trace = { offset: program.trace, length: program.bytes.length - program.trace };
    const { successor } = options.program;
    const regions = {
      trace,
      successor: successor === undefined ? undefined : program.cells.get(successor)?.offset,
      answers: answersOf(options.program, program),
    };
    const child = new Child(options, regions, {
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
    if (options.unreaped === true) this.#unreaped.add(id);
    if (options.background === true) this.#background.add(id);
    this.#hold();
    return child;
  }

  /** The same fds in the same places are put there by the same calls. */
  #bootFor({ fds, inner = [], newUser, lastCapability, trace = false }: SpawnOptions): Boot {
    const key = `${fds.join()} ${inner.join()} ${newUser} ${trace}`;
    const known = this.#boots.get(key);
    if (known !== undefined) return known;
    const boot = bootstrap({ tareInit: this.#tareInit, fds, inner, newUser, lastCapability });
    const made = { boot, encoded: this.encode(boot.program, trace) };
    if (this.#boots.size >= mostBoots) this.#boots.clear();
    this.#boots.set(key, made);
    return made;
  }

  /** Whether somebody may wait for a process. */
  get busy(): boolean {
    return this.#children.size > this.#background.size;
  }

  /** Only as long as somebody waits does this process live on for it. */
  #hold(): void {
    if (this.busy) this.#listener?.ref();
    else this.#listener?.unref();
  }

  /** Sends a signal to a child by its pidfd, so that it can never reach another process. */
  kill(child: Child, signal: NodeJS.Signals | number): void {
    if (child.pidfd < 0) return;
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    child.killed ||= number === constants.signals.SIGKILL;
    const b = new ProgramBuilder();
    const name = named(number, String(signal));
    b.op(`send ${signal} to the container`, 'pidfd_send_signal', [child.pidfd, name, 0, 0], { allow: ['ESRCH'] });
    this.run({ ops: b.ops });
  }

  /** A program as bytes, for `SpawnOptions.encoded`. */
  encode(program: Program, trace = false): Encoded {
    return encode(program, { arch: this.#arch, trace, memory: this.#memory });
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; at + eventSize <= bytes.length; at += eventSize) this.#dispatch(bytes.subarray(at, at + eventSize));
    this.#rest = bytes.subarray(at);
  }

  #dispatch(event: Buffer): void {
    const id = event.readUInt32LE(0);
    const child = this.#children.get(ownId(id));
    if (child === undefined) return;
    const kind = event.readUInt32LE(8);
    if (kind === eventKind.exited && !isAdopted(id)) this.#endUnannounced(id, child);
    if (kind === eventKind.executed) child.onExecuted(event.readBigUInt64LE(56));
    else if (kind === eventKind.message) this.#message(id, child, event);
    else if (kind === eventKind.exited && child.onExit(exitOf(event), isAdopted(id))) {
      this.#children.delete(ownId(id));
      this.#background.delete(ownId(id));
      this.#unreaped.delete(ownId(id));
      this.#hold();
    }
  }

  #message(id: number, child: Child, event: Buffer): void {
    const index = event.readUInt32LE(12);
    const fd = event.readInt32LE(24);
    if (event.readUInt32LE(16) === failure) return child.onFailure(index, event.readInt32LE(20));
    const op = child.op(index);
    if (op?.stop === 'pidfd') this.#adopt(id, child, fd);
    else if (op !== undefined) child.onStop(op, fd < 0 ? undefined : fd, index);
  }

  #adopt(id: number, child: Child, pidfd: number): void {
    child.adopt(pidfd);
    this.#native.follow(adoptedId(id) + (this.#unreaped.has(id) ? unreaped : 0), pidfd);
    if (child.killed) this.kill(child, 'SIGKILL');
  }

  /** A process that ended between making its successor and saying so: our child all the same, and ours to reap. */
  #endUnannounced(id: number, child: Child): void {
    const pid = child.unannounced;
    if (pid === 0) return;
    const b = new ProgramBuilder();
    const pidfd = b.result('pidfd', 'open the process that was to take over', 'pidfd_open', [pid, 0]);
    child.killed = true;
    this.#adopt(id, child, this.run({ ops: b.ops }).get(pidfd) ?? -1);
  }

  #openTareInit(execFlag: boolean): number {
    const b = new ProgramBuilder().stage('tare-init');
    const memory = sealTareInit(b, readFileSync(builtFile('tare-init')), execFlag);
    return this.run({ ops: b.ops }).get(memory) ?? -1;
  }
}

function failureOf(program: Program, memory: Buffer): TareError {
  return describeFailure(program, memory.readUInt32LE(header.failedOp), memory.readInt32LE(header.failedErrno));
}

function answersOf({ ops }: Program, { cells }: Encoded): ReadonlyMap<number, number> {
  return new Map(
    ops.flatMap(({ answer }, index): [number, number][] => {
      const home = answer === undefined ? undefined : cells.get(answer);
      return home === undefined ? [] : [[index, home.offset]];
    }),
  );
}

/** Closes what a program has opened. A cell that no op has filled holds 0, and one whose open failed a negative errno. */
export function closeOpened(fd = 0): void {
  if (fd > 2) closeSync(fd);
}
