/**
 * A virtual machine from QEMU's start to its end.
 *
 * Whatever ends it (its guest, a signal, a time limit) is the reason that everybody gets who waits for anything of it, with
 * the last lines of its console.
 */
import { dirname } from 'node:path';
import { TareError } from '../errors.ts';
import type { Arch } from '../linux/abi.ts';
import { Channel, type ChannelOptions, type GuestReady } from './channel.ts';
import { Console, type ConsoleLine } from './console.ts';
import type { Qemu, QemuExit } from './qemu.ts';
import { Qmp } from './qmp.ts';

export interface VmOptions {
  readonly arch: Arch;
  /** What its pid 1 runs first. */
  readonly boot?: ChannelOptions['boot'];
  /** How long a boot, or a resume, may take, in seconds. */
  readonly patience: number;
  /** Ends it, with its reason. */
  readonly signal?: AbortSignal;
  /** Of the guest, in bytes: for the advice where it does not boot. */
  readonly memory: number;
  /** The file that is its memory, where there is one. */
  readonly memoryFile?: string;
}

/** When what happened: CLOCK_MONOTONIC of the host, in ns. */
export interface VmMarks {
  /** QEMU was started. */
  started: bigint;
  /** It speaks QMP. */
  greeted: bigint | undefined;
  /** The guest has said that it is there. */
  ready: bigint | undefined;
}

const consoleLines = 8;
/** With less a kernel may find no page, and nobody to take one from, and say nothing. */
const littleMemory = 96 * 2 ** 20;

export class Vm implements AsyncDisposable {
  readonly qmp: Qmp;
  readonly channel: Channel;
  readonly marks: VmMarks;
  readonly #qemu: Qemu;
  readonly #options: VmOptions;
  readonly #console: Console;
  readonly #complaints: Console;
  readonly #abort: () => void;
  /** Why it is to end, where that was our decision. */
  #reason: Error | undefined;

  /** @param started when QEMU was started */
  constructor(qemu: Qemu, options: VmOptions, started: bigint) {
    this.#qemu = qemu;
    this.#options = options;
    this.marks = { started, greeted: undefined, ready: undefined };
    this.#console = new Console(qemu.console);
    this.#complaints = new Console(qemu.complaints);
    this.qmp = new Qmp(qemu.monitor);
    this.channel = new Channel(qemu.channel, { arch: options.arch, boot: options.boot });
    this.qmp.ready.then(
      () => (this.marks.greeted = process.hrtime.bigint()),
      () => {},
    );
    this.qmp.listen(({ event, data }) => {
      if (event === 'GUEST_PANICKED') this.end(this.#trouble('the guest panicked'));
      // QEMU stops a guest of its own accord where KVM cannot go on, and then sits there.
      if (event === 'STOP') void this.#lookWhyStopped();
      if (event === 'SHUTDOWN' && (data as { guest: boolean }).guest) this.end(this.#trouble('the guest has ended'));
    });
    const { signal } = options;
    this.#abort = () => this.end(signal?.reason instanceof Error ? signal.reason : this.#trouble('aborted'));
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
    void this.#watch();
  }

  /** Of QEMU. */
  get pid(): number {
    return this.#qemu.pid;
  }

  /** What the guest has printed last. */
  get console(): readonly ConsoleLine[] {
    return this.#console.lines;
  }

  /** The guest can be spoken to. @throws TareError with the last lines of its console */
  async booted(): Promise<GuestReady> {
    const ready = await this.within('boot the guest', this.channel.ready);
    this.marks.ready = process.hrtime.bigint();
    return ready;
  }

  /** What is awaited, or the reason why it will not come: the machine ended, or took too long. */
  async within<Value>(doing: string, awaited: Promise<Value>): Promise<Value> {
    const { patience } = this.#options;
    const timer = setTimeout(() => {
      this.end(this.#trouble(`${doing}: not done within ${patience} s`, this.#patienceHint()));
    }, patience * 1000);
    try {
      return await awaited;
    } catch (error) {
      throw await this.whyEnded(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The reason for which it ended, where that is known; else `error`: what broke first may be the conversation. */
  async whyEnded(error: unknown): Promise<unknown> {
    // QEMU's exit says more, and is about to come.
    if (this.#reason === undefined && this.#qemu.channel.destroyed) await this.#settled();
    return this.#reason ?? error;
  }

  /** Ends it for a reason, which those who wait are told. */
  end(reason: Error): void {
    this.#reason ??= reason;
    this.channel.close(this.#reason);
    this.qmp.close(this.#reason);
    this.#qemu.kill();
  }

  /** Ends it, and waits until nothing is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end(new TareError('speak with the virtual machine', { hint: 'it has been ended' }));
    this.#options.signal?.removeEventListener('abort', this.#abort);
    await this.#qemu[Symbol.asyncDispose]();
    await Promise.all([this.#console.ended, this.#complaints.ended]);
  }

  async #watch(): Promise<void> {
    const exit = await this.#qemu.exited.catch((error: unknown) => error as Error);
    await Promise.all([this.#console.ended, this.#complaints.ended]);
    this.end(exit instanceof Error ? exit : this.#trouble(describe(exit), this.#fullDiskHint(exit)));
  }

  async #lookWhyStopped(): Promise<void> {
    const { status } = await this.qmp.execute('query-status').catch(() => ({ status: '' }));
    if (status === 'internal-error') {
      const hint = 'use --accel tcg: this KVM cannot run the guest';
      this.end(this.#trouble('KVM gave up', this.#kvmHint() ?? hint));
    }
    if (status === 'guest-panicked') this.end(this.#trouble('the guest panicked'));
  }

  #patienceHint(): string {
    const slow = 'if it is only slow, raise --boot-timeout';
    const { memory } = this.#options;
    return memory < littleMemory ? `${memory / 2 ** 20} MiB may be too little to boot: -m 256m; ${slow}` : slow;
  }

  /** Memory that a file is to hold has no page where the file's disk has no block: mmap(2), SIGBUS. */
  #fullDiskHint({ signal }: QemuExit): string | undefined {
    const { memoryFile } = this.#options;
    if (signal !== 'SIGBUS' || memoryFile === undefined) return undefined;
    return `its memory is a file in ${dirname(memoryFile)}, and the disk is full: make room there`;
  }

  #kvmHint(): string | undefined {
    const said = this.#complaints.tail(50).find((line) => line.includes('KVM internal error'));
    return said === undefined ? undefined : `${said.trim()}: use --accel tcg`;
  }

  /** QEMU's exit, if it is about to come. */
  async #settled(): Promise<void> {
    const soon = new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.race([this.#qemu.exited.catch(() => {}).then(async () => this.#complaints.ended), soon]);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #trouble(what: string, hint?: string): TareError {
    const complaints = this.#complaints.tail(3).map((line) => line.replace(/^qemu-system-\w+: /, ''));
    const printed = this.#console.lastWords(consoleLines);
    const parts = [
      `run a virtual machine: ${what}`,
      ...complaints.map((line) => `  QEMU: ${line}`),
      ...printed.map((line) => `  console: ${line}`),
    ];
    return new TareError(parts.join('\n'), { hint: hint ?? this.#advice(printed) });
  }

  #advice(printed: readonly string[]): string | undefined {
    const said = printed.join('\n');
    const { memory } = this.#options;
    if (/Out of memory|out of memory|not enough memory|Failed to allocate|deadlocked on memory/.test(said))
      return `it has ${Math.floor(memory / 2 ** 20)} MiB of memory: give it more with -m`;
    return undefined;
  }
}

function describe({ code, signal, oom }: QemuExit): string {
  if (oom) return 'QEMU was killed: memory ran out';
  if (signal !== undefined) return `QEMU was ended by ${signal}`;
  return code === 0 ? 'the machine was switched off' : `QEMU exited with ${code}`;
}
