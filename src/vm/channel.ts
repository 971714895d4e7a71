/**
 * The host's end of the channel: launch programs in, what becomes of them out. vm/protocol.ts has the drawing.
 *
 *     const channel = new Channel(socket, { arch: 'x64', boot });       // socket: the chardev of QEMU's virtserialport
 *     await channel.ready;                                               // the guest has booted
 *     await channel.run(world.program);                                  // in pid 1: mount the image …
 *     const payload = channel.start(launch.program, { cloneFlags });     // in a child
 *     payload.stdin.end('text'); payload.stdout.pipe(…);
 *     await payload.executed; const exit = await payload.exited;
 *
 * It knows neither QEMU nor the socket's owner: whoever sees the machine end calls `close` with the reason.
 */
import type { Duplex } from 'node:stream';
import { TareError } from '../errors.ts';
import { describeFailure } from '../launch/failure.ts';
import { type Encoded, encode } from '../launch/encode.ts';
import type { Program } from '../launch/program.ts';
import { type Arch, errnoName } from '../linux/abi.ts';
import { archValue, type Named } from '../linux/flags.ts';
import { Awaited } from './awaited.ts';
import { GuestProcess, type OnGuestStop } from './guest-process.ts';
import {
  encodeFrame,
  faults,
  type Frame,
  FrameReader,
  processes,
  programHeader,
  programLimit,
  protocolVersion,
} from './protocol.ts';
import { Returned } from './returned.ts';

export interface ChannelOptions {
  readonly arch: Arch;
  /** What the guest runs of its own before it can be spoken to, and its bytes in the initramfs: for its stamps and failures. */
  readonly boot?: { readonly program: Program; readonly encoded: Encoded };
}

/** The guest has booted. Times are of its CLOCK_MONOTONIC, in ns. */
export interface GuestReady {
  /** When pid 1 began. */
  readonly started: bigint;
  /** When it could first be spoken to. */
  readonly at: bigint;
  /** The boot program's memory: its stamps. */
  readonly boot: Returned | undefined;
}

/** A program of pid 1 has ended. */
export interface Ran {
  /** When: the guest's CLOCK_MONOTONIC in ns. */
  readonly at: bigint;
  /** Its cells, blocks and stamps, if asked for. */
  readonly returned: Returned;
}

export interface RunOptions {
  /** Stamp the time before each op. */
  readonly trace?: boolean;
}

export interface StartOptions extends RunOptions {
  /** The namespaces it is born in: `Launch.cloneFlags`. */
  readonly cloneFlags?: Named;
  readonly onStop?: OnGuestStop;
}

interface Running {
  readonly program: Program;
  readonly returned: Returned;
  readonly ended: Awaited<Ran>;
}

/** A guest that runs launch programs: in pid 1, one after another, and a payload at a time. */
export class Channel {
  readonly #socket: Duplex;
  readonly #arch: Arch;
  readonly #reader = new FrameReader();
  readonly #ready = new Awaited<GuestReady>();
  readonly #boot: Returned | undefined;
  readonly #bootProgram: Program | undefined;
  /** Answers come in the order of the programs. */
  readonly #running: Running[] = [];
  #payload: GuestProcess | undefined;
  #lost: Error | undefined;

  constructor(socket: Duplex, { arch, boot }: ChannelOptions) {
    this.#socket = socket;
    this.#arch = arch;
    this.#boot = boot === undefined ? undefined : new Returned(boot.program, boot.encoded);
    this.#bootProgram = boot?.program;
    socket.on('data', (piece: Buffer) => this.#read(piece));
    socket.on('error', (cause) => this.close(gone(cause)));
    socket.on('close', () => this.close(gone()));
  }

  /** Settles when the guest has booted, or with the reason why it has not. A guest resumed from a snapshot does not say so again. */
  get ready(): Promise<GuestReady> {
    return this.#ready.promise;
  }

  /** Runs a program in pid 1, in its turn. @throws TareError of the op that failed */
  run(program: Program, { trace = false }: RunOptions = {}): Promise<Ran> {
    const encoded = this.#encode(program, trace);
    const returned = new Returned(program, encoded);
    const ended = new Awaited<Ran>();
    if (this.#lost !== undefined) ended.fail(this.#lost);
    else {
      this.#running.push({ program, returned, ended });
      const process = processes.pidOne;
      this.#send({ kind: 'program', process, returned: 1, clone: 0, bytes: encoded.bytes });
    }
    return ended.promise;
  }

  /** Runs a program in a child, up to and including execve. @throws TareError while another payload has not exited */
  start(program: Program, { trace = false, cloneFlags, onStop }: StartOptions = {}): GuestProcess {
    if (this.#payload?.running === true)
      throw new TareError('start a payload in the guest', {
        hint: 'it runs one at a time, and another has not ended, or its output is not read',
      });
    const encoded = this.#encode(program, trace);
    const returned = new Returned(program, encoded);
    const payload = new GuestProcess({ program, returned, onStop, send: (frame) => this.#send(frame) });
    this.#payload = payload;
    if (this.#lost !== undefined) payload.lose(this.#lost);
    const clone = cloneFlags === undefined ? 0 : Number(archValue(cloneFlags.value, this.#arch));
    const process = processes.payload;
    this.#send({ kind: 'program', process, returned: trace ? 1 : 0, clone, bytes: encoded.bytes });
    return payload;
  }

  /** Nothing more will come: whoever waits is told why. Later reasons count for nothing. */
  close(reason: Error = gone()): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#ready.fail(reason);
    for (const { ended } of this.#running.splice(0)) ended.fail(reason);
    this.#payload?.lose(reason);
    this.#socket.destroy();
  }

  #encode(program: Program, trace: boolean): Encoded {
    const encoded = encode(program, { arch: this.#arch, trace });
    if (encoded.bytes.length + programHeader <= programLimit) return encoded;
    throw new TareError(`send a launch program of ${encoded.bytes.length} bytes to the guest`, {
      errno: 'E2BIG',
      hint: 'the arguments and the environment are too long together',
    });
  }

  #send(frame: Frame): void {
    if (this.#lost === undefined) this.#socket.write(encodeFrame(frame));
  }

  #read(piece: Buffer): void {
    try {
      for (const frame of this.#reader.push(piece)) this.#hear(frame);
    } catch (error) {
      if (!(error instanceof TareError)) throw error;
      this.close(error);
    }
  }

  #hear(frame: Frame): void {
    if (frame.kind === 'fault') this.#onFault(frame.step, frame.error);
    else if (frame.kind === 'ready') this.#onReady(frame.version, frame.started, frame.at);
    else if (frame.process === processes.payload) this.#payload?.hear(frame);
    else this.#hearPidOne(frame);
  }

  #onReady(version: number, started: bigint, at: bigint): void {
    if (version !== protocolVersion)
      throw new TareError('speak with the guest', {
        errno: 'EPROTO',
        hint: `it speaks version ${version} of the protocol, and tare version ${protocolVersion}: build the initramfs anew`,
      });
    this.#ready.settle({ started, at, boot: this.#boot });
  }

  #onFault(step: number, error: number): void {
    const doing = faults[step] ?? `do what is numbered ${step}`;
    this.close(new TareError(`${doing} in the guest`, { errno: errnoName(error) }));
  }

  #hearPidOne(frame: Frame): void {
    const [running] = this.#running;
    if (frame.kind === 'memory') (running?.returned ?? this.#boot)?.add(frame.bytes);
    if (frame.kind !== 'halted' && frame.kind !== 'failed') return;
    this.#running.shift();
    if (frame.kind === 'halted') running?.ended.settle({ at: frame.at, returned: running.returned });
    else if (running !== undefined) running.ended.fail(describeFailure(running.program, frame.op, frame.error));
    else if (this.#bootProgram !== undefined) this.close(describeFailure(this.#bootProgram, frame.op, frame.error));
  }
}

const gone = (cause?: Error): TareError =>
  new TareError('speak with the guest', { hint: 'the virtual machine has ended', ...(cause && { cause }) });
