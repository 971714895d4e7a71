/** The payload of a virtual machine, as the host sees it: what launch/child.ts is for a container. */
import type { Readable, Writable } from 'node:stream';
import { TareError } from '../errors.ts';
import { type ProcessExit, signalName } from '../launch/child.ts';
import { describeFailure } from '../launch/failure.ts';
import type { Op, Program } from '../launch/program.ts';
import type { Stamp } from '../launch/stamps.ts';
import { Awaited } from './awaited.ts';
import { type Frame, type FrameOf, processes } from './protocol.ts';
import type { Returned } from './returned.ts';
import { InputStream, OutputStream } from './streams.ts';

/** How the payload ended. `at` is this process's CLOCK_MONOTONIC, as of a container. */
export interface GuestExit extends ProcessExit {
  /** The most memory it had in use at once, in KiB. */
  readonly maxRss: number;
  /** When it was reaped: the guest's CLOCK_MONOTONIC in ns. */
  readonly guestAt: bigint;
}

/** Called when the program stops at an op, until `go`. */
export type OnGuestStop = (op: Op, process: GuestProcess) => void;

export interface GuestProcessParts {
  readonly program: Program;
  readonly returned: Returned;
  readonly onStop: OnGuestStop | undefined;
  readonly send: (frame: Frame) => void;
}

/** The payload: its streams, its end, and what may be done to it in between. */
export class GuestProcess {
  /** When it was executed: the guest's CLOCK_MONOTONIC in ns. */
  executedAt: bigint | undefined;
  readonly #parts: GuestProcessParts;
  readonly #stdin: InputStream;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #executed = new Awaited<void>();
  readonly #exited = new Awaited<GuestExit>();
  #ended = false;
  /** Its output streams that the guest has not ended yet. */
  #open = 2;

  constructor(parts: GuestProcessParts) {
    this.#parts = parts;
    this.#stdin = new InputStream((bytes) => this.#send({ kind: 'stdin', process: processes.payload, bytes }));
    this.#stdout = this.#output('stdout', 1);
    this.#stderr = this.#output('stderr', 2);
  }

  /** What it reads. An error `EPIPE`: it reads no more. */
  get stdin(): Writable {
    return this.#stdin;
  }

  /** What it writes; all of it, if it has a terminal. To be read or destroyed: a full window makes the payload wait. */
  get stdout(): Readable {
    return this.#stdout;
  }

  get stderr(): Readable {
    return this.#stderr;
  }

  /** Settles when the payload has been executed, or with the reason why it was not: exit code 127 not found, 126 not executable. */
  get executed(): Promise<void> {
    return this.#executed.promise;
  }

  /** Settles when the payload is reaped and all that it left behind is dead; what they wrote may still be on the way. */
  get exited(): Promise<GuestExit> {
    return this.#exited.promise;
  }

  /** Something of it is left: the process itself, or output that is on its way. The guest takes no other payload until then. */
  get running(): boolean {
    return !this.#ended || this.#open > 0;
  }

  /** When each op began, by the guest's clock; empty unless traced. Complete once `executed` has settled. */
  get stamps(): readonly Stamp[] {
    return this.#parts.returned.stamps;
  }

  /** Sends a signal to the payload; to one that has ended, nothing. @param signal its number */
  kill(signal: number): void {
    this.#send({ kind: 'signal', process: processes.payload, signal });
  }

  /** Tells the terminal how large its window is; without a terminal, nothing. */
  resize(columns: number, rows: number): void {
    this.#send({ kind: 'resize', process: processes.payload, rows, columns });
  }

  /** Lets a stopped program go on. */
  go(): void {
    this.#send({ kind: 'go', process: processes.payload });
  }

  /** What the guest says of it. */
  hear(frame: Frame): void {
    switch (frame.kind) {
      case 'stdout':
        return this.#feed(this.#stdout, frame.bytes);
      case 'stderr':
        return this.#feed(this.#stderr, frame.bytes);
      case 'stdin':
        return this.#stdin.close();
      case 'window':
        return this.#stdin.allow(frame.more);
      case 'memory':
        return this.#parts.returned.add(frame.bytes);
      case 'stopped':
        return this.#stopped(frame.op);
      case 'failed':
        return this.#executed.fail(describeFailure(this.#parts.program, frame.op, frame.error));
      case 'executed':
        return this.#onExecuted(frame);
      case 'exited':
        return this.#onExited(frame);
      case 'program':
      case 'resize':
      case 'signal':
      case 'go':
      case 'ready':
      case 'fault':
      case 'halted':
        return; // nothing that a guest says of its payload
    }
  }

  /** There will be no more: the guest is gone, or could not make the payload. */
  lose(error: Error): void {
    this.#ended = true;
    this.#executed.fail(error);
    this.#exited.fail(error);
    this.#stdin.close();
    this.#open = 0;
    this.#stdout.feed(new Uint8Array());
    this.#stderr.feed(new Uint8Array());
  }

  #feed(stream: OutputStream, bytes: Uint8Array): void {
    if (bytes.length === 0) this.#open -= 1;
    stream.feed(bytes);
  }

  #stopped(index: number): void {
    const op = this.#parts.program.ops[index];
    if (op !== undefined) this.#parts.onStop?.(op, this);
  }

  #onExecuted({ position, at }: FrameOf<'executed'>): void {
    const op = this.#parts.program.ops[position];
    this.executedAt = at;
    // Its socket is closed by execve, and by the end of a process that was killed before.
    if (op === undefined || op.call === 'execve' || op.call === 'execveat') this.#executed.settle();
    else this.#executed.fail(new TareError(`${op.why}: killed on the way`));
  }

  #onExited({ code, signal, user, system, maxRss, at }: FrameOf<'exited'>): void {
    this.#ended = true;
    this.#stdin.close();
    this.#exited.settle({
      code: signal === 0 ? code : undefined,
      signal: signal === 0 ? undefined : signalName(signal),
      signalNumber: signal,
      usage: { user: Number(user), system: Number(system) },
      at: process.hrtime.bigint(),
      maxRss: Number(maxRss),
      guestAt: at,
    });
  }

  #output(kind: 'stdout' | 'stderr', stream: number): OutputStream {
    const to = processes.payload;
    return new OutputStream({
      allow: (more) => this.#parts.send({ kind: 'window', process: to, stream, more }),
      close: () => this.#parts.send({ kind, process: to, bytes: new Uint8Array() }),
    });
  }

  /** Nobody is there to hear of it any more. */
  #send(frame: Frame): void {
    if (!this.#ended) this.#parts.send(frame);
  }
}
