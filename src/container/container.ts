/** A container between `create` and its end. */
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ReadStream } from 'node:tty';
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupPressure, CgroupStats, OomKills } from '../cgroup/stats.ts';
import { TareError } from '../errors.ts';
import type { Op, Program } from '../launch/program.ts';
import { ProgramBuilder, data } from '../launch/program.ts';
import type { Child, ProcessExit } from '../launch/child.ts';
import { type Timeline, timeline } from '../launch/trace.ts';
import { flags, IOCTL } from '../linux/flags.ts';
import type { Spec } from '../spec/spec.ts';
import type { Engine } from './engine.ts';
import { type Exit, exitOf } from './exit.ts';
import { writeIdMaps } from './id-maps.ts';
import { type Filtered, sendSeccompListener } from './listener.ts';
import { makeCgroup } from './make-cgroup.ts';
import { NetDevices } from './net-devices.ts';
import type { Prepared } from './prepared.ts';
import type { Streams } from './stdio.ts';
import { nearSide } from './terminal.ts';

/** How a launch is watched or changed on its way. */
export interface LaunchOptions {
  readonly trace?: boolean;
  /** When it was asked for, by process.hrtime.bigint(): where its timeline begins. */
  readonly requested?: bigint;
  /** Makes the program that runs of the compiled one: woven with stops, or with a fault injected. */
  readonly change?: (program: Program) => Program;
  /** Called at each stop of `tare step`; `go` lets the container go on. */
  readonly onStep?: (index: number, go: () => void) => void;
}

/** A container. Disposing of it kills what still runs, and leaves nothing on the host. */
export class Container implements AsyncDisposable {
  readonly id: string;
  readonly spec: Spec;
  /** Whether its start needs us on the way: for id maps, a terminal, a listener, or to say go. */
  readonly stops: boolean;
  /** Of a traced or changed launch: what makes it, call by call. */
  readonly program: Program | undefined;
  /** Settles when the container and all that was made for it on the host is gone. Rejects where it could not be started. */
  readonly exited: Promise<Exit>;
  readonly #engine: Engine;
  readonly #named: Omit<Filtered, 'pid'>;
  readonly #streams: Streams;
  readonly #requested: bigint | undefined;
  readonly #child: Child;
  readonly #cgroup: Cgroup | undefined;
  readonly #countsMemory: boolean;
  readonly #devices: NetDevices;
  readonly #netDevices: Prepared['netDevices'];
  readonly #ready: Promise<void>;
  #settleReady = { resolve: () => {}, reject: (_: unknown) => {} };
  #terminal: ReadStream | undefined;
  #settleTerminal = (_: ReadStream) => {};
  readonly #terminalOpened = new Promise<ReadStream>((resolve) => (this.#settleTerminal = resolve));
  #failure: Error | undefined;

  /** Makes the cgroup and starts the child. Whatever fails here leaves nothing behind. */
  constructor(
    engine: Engine,
    prepared: Prepared,
    streams: Streams,
    inner: readonly number[],
    options: LaunchOptions = {},
  ) {
    this.#engine = engine;
    this.#streams = streams;
    this.#devices = new NetDevices(engine);
    this.#netDevices = prepared.netDevices;
    this.#requested = options.requested;
    this.id = prepared.id;
    this.spec = prepared.spec;
    this.#named = { id: prepared.id, spec: prepared.spec, bundle: prepared.image.bundle ?? '' };
    const { launch } = prepared;
    const program = options.change?.(launch.program) ?? launch.program;
    this.stops = program.ops.some(({ stop }) => stop !== undefined);
    const plain = options.trace !== true && options.change === undefined;
    this.program = plain ? undefined : program;
    const group = prepared.cgroup === undefined ? undefined : makeCgroup(engine, prepared.cgroup);
    this.#cgroup = group?.cgroup;
    this.#countsMemory =
      engine.cgroups.grantable.includes('memory') ||
      prepared.cgroup?.v1.some(({ controllers }) => controllers.includes('memory')) === true;
    this.#ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    this.#ready.catch(() => {}); // `start` and `exited` tell
    try {
      this.#child = engine.spawner.spawn({
        program,
        ...(plain && prepared.encoded !== undefined ? { encoded: prepared.encoded } : {}),
        cloneFlags: launch.cloneFlags,
        newUser: launch.newUser,
        fds: streams.fds,
        inner: [...inner, ...(group?.v1 ?? [])],
        lastCapability: engine.host.lastCapability,
        ...(group === undefined ? {} : { cgroup: group.fd }),
        ...(options.trace === true ? { trace: true } : {}),
        onStop: (op, child, fd, index) => this.#stopped(op, child, fd, index, options),
      });
    } catch (error) {
      this.#cgroup?.removeNow();
      throw error;
    } finally {
      for (const fd of group === undefined ? [] : [group.fd, ...group.v1]) closeSync(fd);
      streams.release();
    }
    this.#child.executed.then(
      () => this.#devices.release(),
      () => {}, // they go back: `end`
    );
    this.exited = this.#child.exited.then((ended) => this.#end(ended));
    this.exited.catch(() => {}); // whoever does not wait for the end need not hear of it
  }

  /** Of its first process, in our pid namespace. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Its standard input, where that is a pipe. */
  get stdin(): Socket | undefined {
    return this.#streams.stdin;
  }

  /** Its standard output, where that is a pipe. */
  get stdout(): Socket | undefined {
    return this.#streams.stdout;
  }

  /** Its standard error, where that is a pipe. */
  get stderr(): Socket | undefined {
    return this.#streams.stderr;
  }

  /** All its pipes by their number inside, `stdin`, `stdout` and `stderr` among them: what it writes to 3 is read from `stdio[3]`. */
  get stdio(): readonly (Socket | undefined)[] {
    return this.#streams.all;
  }

  /** The near side of its terminal, to read and to write; there once `start` is possible. */
  get terminal(): ReadStream | undefined {
    return this.#terminal;
  }

  /** Settles when the terminal is there, for a container that is to have one. */
  async openedTerminal(): Promise<ReadStream> {
    return Promise.race([
      this.#terminalOpened,
      this.exited.then(() => Promise.reject(new TareError('open a terminal'))),
    ]);
  }

  /** When execve has given way to the payload, by process.hrtime.bigint(); undefined where it has not yet. */
  get executedAt(): bigint | undefined {
    return this.#child.surroundings.executed;
  }

  /** Of a traced launch: where its time went. Complete once `exited` has settled. */
  get timeline(): Timeline {
    const request = this.#requested === undefined ? {} : { request: this.#requested };
    const around = { ...this.#child.surroundings, ...request };
    return timeline(this.program ?? { ops: [] }, this.#child.stamps, around);
  }

  /** Settles when all is ready and the payload waits for `start`. Rejects with the step that failed. */
  async ready(): Promise<void> {
    await Promise.race([this.#ready, this.executed()]);
  }

  /** Lets the payload run; settles when it has been executed. Rejects with the step that failed. */
  async start(): Promise<void> {
    await this.ready();
    this.#child.go();
    await this.executed();
  }

  /** Settles when the payload has been executed. */
  async executed(): Promise<void> {
    await this.#child.executed.catch((error: unknown) => {
      throw this.#child.report ?? this.#failure ?? error;
    });
  }

  /** Sends a signal to the first process; to one that has ended, nothing. */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): void {
    this.#engine.spawner.kill(this.#child, signal);
  }

  /** Stops all its processes where they are. */
  async pause(): Promise<void> {
    await this.#group('pause').freeze();
  }

  /** Lets a paused container go on. */
  async resume(): Promise<void> {
    await this.#group('resume').thaw();
  }

  /** What it uses, by its cgroup; parts whose controller this host does not offer are undefined. */
  async stats(): Promise<CgroupStats> {
    return this.#group('weigh').stats();
  }

  /** How long its tasks waited for CPU, memory and I/O: PSI, Documentation/accounting/psi.rst. */
  async pressure(): Promise<CgroupPressure> {
    return this.#group('weigh').pressure();
  }

  /** Tells the terminal how large its window is. */
  resize(columns: number, rows: number): void {
    const fd = (this.#terminal as unknown as { _handle?: { fd?: number } } | undefined)?._handle?.fd;
    if (fd === undefined || fd < 0) return;
    const b = new ProgramBuilder();
    const size = data(`{rows: ${rows}, columns: ${columns}}`, [{ u16: rows }, { u16: columns }, { u32: 0 }]);
    b.op('resize the terminal', 'ioctl', [fd, flags(IOCTL, 'TIOCSWINSZ'), size]);
    this.#engine.spawner.run({ ops: b.ops });
  }

  /** Kills what still runs and waits until all is gone, the near ends of its streams too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    this.#terminal?.destroy();
    await this.exited.catch(() => {});
    this.#streams.close();
  }

  #group(doing: string): Cgroup {
    if (this.#cgroup !== undefined) return this.#cgroup;
    throw new TareError(`${doing} container ${this.id}`, { hint: 'it has no cgroup of its own: run tare doctor' });
  }

  #stopped(op: Op, child: Child, fd: number | undefined, index: number, options: LaunchOptions): void {
    const go = () => child.go();
    switch (op.stop) {
      case 'maps':
        writeIdMaps(this.#engine, child.pid, this.spec.linux ?? {}).then(go, (error: unknown) => this.#abort(error));
        return;
      case 'devices':
        this.#devices.move(child.pid, this.#netDevices).then(go, (error: unknown) => this.#abort(error));
        return;
      case 'terminal':
        if (fd !== undefined) this.#settleTerminal((this.#terminal = nearSide(fd)));
        return;
      case 'seccomp':
        this.#guard(() => sendSeccompListener(this.#engine, { ...this.#named, pid: child.pid }, fd ?? -1));
        return;
      case 'start':
        this.#settleReady.resolve();
        return;
      case 'step':
        options.onStep?.(index, go);
        return;
      case 'hooks': // only bundles have them, and tare-oci runs those
      case 'pidfd': // the spawner's
      case undefined:
    }
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#abort(error);
    }
  }

  /** Our side of the launch has failed: the child goes, and its end reports why. */
  #abort(error: unknown): void {
    this.#failure = error instanceof Error ? error : new TareError(String(error));
    this.kill('SIGKILL');
  }

  async #end(ended: ProcessExit): Promise<Exit> {
    const oom = this.#countsMemory ? this.#cgroup?.oomKills() : undefined;
    await this.#cgroup?.remove();
    // Where the child fails first, what we then do for it fails too, and says less.
    const said = this.#child.report ?? this.#failure;
    const failure = said ?? outOfMemory(this.#child.failure, oom);
    if (failure !== undefined) {
      const told = await this.#devices.takeBack().then(
        () => failure,
        (error: Error) => new TareError(`${failure.message}; then ${error.message}`, { cause: failure }),
      );
      this.#settleReady.reject(told);
      throw told;
    }
    return exitOf(ended, oom);
  }
}

/** What a child that was killed could not say. */
function outOfMemory(failure: Error | undefined, oom: OomKills | undefined): Error | undefined {
  if (failure === undefined || oom === undefined || oom.kills === 0) return failure;
  return new TareError(`${failure.message}: memory ran out`, { hint: 'give it a larger --memory', cause: failure });
}
