/** The payload of a virtual machine, as everybody else's: streams, signals, an exit, and nothing left. */
import { constants } from 'node:os';
import { Duplex, type Readable, type Writable } from 'node:stream';
import type { OomKills } from '../cgroup/stats.ts';
import { type Exit, exitOf } from '../container/exit.ts';
import type { StdioChoice } from '../container/stdio.ts';
import { TareError } from '../errors.ts';
import type { Program } from '../launch/program.ts';
import type { Timeline } from '../launch/trace.ts';
import type { GuestExit, GuestProcess } from '../vm/guest-process.ts';
import { settleProgram } from '../vm/guest-program.ts';
import { countOomKills } from '../vm/guest-read.ts';
import { PayloadOutput } from '../vm/payload-output.ts';
import { RunningMachine } from '../vm/running-machine.ts';
import { machineTimeline } from '../vm/timeline.ts';
import type { Vm } from '../vm/vm.ts';
import type { Guest } from './vm-launch.ts';
import type { Isolated, Terminal } from './isolation.ts';

export interface VmPayloadOptions {
  readonly id: string;
  readonly stdio: StdioChoice;
  /** It has a terminal, which is all its standard streams. */
  readonly terminal: boolean;
  /** What it has written to volumes must reach the host before its machine is ended. */
  readonly settles: boolean;
  /** Removes what was made for it on the host. */
  readonly cleanUp: () => Promise<void>;
  /** Of its start, for its timeline. */
  readonly traced: {
    /** When it was asked for: CLOCK_MONOTONIC in ns. */
    readonly request: bigint;
    readonly program: Program;
  };
}

/** How long a guest may take to kill its payload, in seconds. */
const mercy = 5;

export class VmPayload implements Isolated {
  readonly id: string;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  readonly exited: Promise<Exit>;
  readonly machine: RunningMachine;
  readonly #guest: Guest;
  readonly #vm: Vm;
  readonly #process: GuestProcess;
  readonly #options: VmPayloadOptions;
  readonly #terminal: Terminal | undefined;
  readonly #outputs: readonly PayloadOutput[];
  /** What goes to our own outputs has arrived there. */
  readonly #passedOn: Promise<void>[] = [];
  #exitedAt: bigint | undefined;

  constructor(guest: Guest, process: GuestProcess, options: VmPayloadOptions) {
    this.id = options.id;
    this.#guest = guest;
    this.#vm = guest.vm;
    this.machine = new RunningMachine(guest.vm, guest.machine);
    this.#process = process;
    this.#options = options;
    const [out, err] = [new PayloadOutput(process.stdout), new PayloadOutput(process.stderr)];
    this.#outputs = [out, err];
    process.stdin.on('error', () => {}); // EPIPE: the payload reads no more, and whoever writes may well not care
    if (options.terminal) {
      this.#terminal = Duplex.from({ readable: out.stream, writable: process.stdin });
      err.stream.resume();
    } else {
      const [first, second, third] = streamsOf(options.stdio);
      this.stdin = connectInput(first, process.stdin);
      this.stdout = this.#connectOutput(second, out.stream, 1);
      this.stderr = this.#connectOutput(third, err.stream, 2);
    }
    this.exited = this.#end();
    this.exited.catch(() => {}); // whoever does not wait for the end need not hear of it
  }

  get timeline(): Timeline {
    const { request, program } = this.#options.traced;
    const guest = this.#guest;
    const { started, greeted, ready } = guest.vm.marks;
    const payload = { name: 'payload', program, stamps: this.#process.stamps };
    return machineTimeline({
      marks: { request, started, greeted, ready: ready ?? guest.meeting.host },
      meeting: guest.meeting,
      pidOne: guest.pidOne,
      programs: [...guest.programs, payload],
      executed: this.#process.executedAt,
      exited: this.#exitedAt,
    });
  }

  kill(signal: NodeJS.Signals | number = 'SIGTERM'): void {
    const number = typeof signal === 'number' ? signal : constants.signals[signal];
    this.#process.kill(number);
    // A guest whose kernel hangs cannot even kill.
    if (number === constants.signals.SIGKILL) this.#endSoon();
  }

  #endSoon(): void {
    const hung = new TareError(`kill ${this.id}`, {
      hint: `the guest has not done so within ${mercy} s, and is ended`,
    });
    const timer = setTimeout(() => this.#vm.end(hung), mercy * 1000);
    this.#process.exited
      .catch(() => {})
      .then(
        () => clearTimeout(timer),
        () => {},
      );
  }

  resize(columns: number, rows: number): void {
    this.#process.resize(columns, rows);
  }

  async openedTerminal(): Promise<Terminal> {
    await this.#process.executed;
    if (this.#terminal !== undefined) return this.#terminal;
    throw new TareError('open a terminal', { hint: 'none was asked for' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#vm.end(new TareError(`run ${this.id}`, { hint: 'it was disposed of' }));
    await this.exited.catch(() => {});
    for (const { stream } of this.#outputs) stream.destroy();
  }

  #connectOutput(choice: One, output: Readable, own: 1 | 2): Readable | undefined {
    if (choice === 'pipe') return output;
    if (choice === 'ignore') output.resume();
    else {
      const target = (choice === 'inherit' ? own : choice) === 1 ? process.stdout : process.stderr;
      this.#passedOn.push(passOn(output, target));
    }
    return undefined;
  }

  /** An exit by SIGKILL does not say who sent it: the guest's kernel knows. */
  async #oomKills({ signalNumber, code }: GuestExit): Promise<OomKills | undefined> {
    const { SIGKILL } = constants.signals;
    if (signalNumber !== SIGKILL && code !== 128 + SIGKILL) return undefined;
    const kills = await this.#vm.within('ask for its OOM kills', countOomKills(this.#vm.channel));
    return { kills, limit: 'own', maxBytes: this.#guest.machine.memory };
  }

  /** What ends a payload before it is executed, and is no failure of a call, may be the guest's kernel. */
  async #whyFailed(error: unknown): Promise<unknown> {
    const why = await this.#vm.whyEnded(error);
    if (why !== error || !(error instanceof TareError) || error.errno !== undefined) return why;
    const kills = await countOomKills(this.#vm.channel).catch(() => 0);
    if (kills === 0) return why;
    const mebibytes = Math.floor(this.#guest.machine.memory / 2 ** 20);
    return new TareError(`run ${this.id}: memory ran out in the guest before its command was executed`, {
      hint: `it has ${mebibytes} MiB: give it more with -m`,
      cause: error,
    });
  }

  async #end(): Promise<Exit> {
    try {
      await this.#process.executed;
      const ended = await this.#process.exited;
      this.#exitedAt = ended.guestAt;
      for (const output of this.#outputs) output.takeIn();
      await Promise.all(this.#outputs.map(({ complete }) => complete));
      if (this.#options.settles) await this.#vm.within('settle the volumes', this.#vm.channel.run(settleProgram()));
      return exitOf(ended, await this.#oomKills(ended));
    } catch (error) {
      for (const output of this.#outputs) output.cut();
      throw await this.#whyFailed(error);
    } finally {
      await this.#vm[Symbol.asyncDispose]();
      await this.#options.cleanUp();
      await Promise.all(this.#passedOn);
    }
  }
}

type One = 'inherit' | 'pipe' | 'ignore' | number;

function streamsOf(choice: StdioChoice): readonly [One, One, One] {
  if (typeof choice !== 'object') return [choice, choice, choice];
  const [first = 'ignore', second = 'ignore', third = 'ignore', ...more] = choice;
  if (more.length === 0) return [first, second, third];
  throw new TareError('give a guest more than three streams', { hint: 'it has 0, 1 and 2' });
}

/** What is returned is the caller's to write to. */
function connectInput(choice: One, input: Writable): Writable | undefined {
  if (choice === 'pipe') return input;
  if (choice === 'ignore') input.end();
  else {
    const source = choice === 'inherit' || choice === 0 ? process.stdin : undefined;
    if (source === undefined) throw new TareError(`read from file descriptor ${choice}`, { hint: 'pipe it in' });
    source.pipe(input);
    input.on('close', () => source.unpipe(input).pause());
  }
  return undefined;
}

/** Settles when all that there is has been written, or nobody reads any more: then the payload has a broken pipe. */
function passOn(output: Readable, target: NodeJS.WriteStream): Promise<void> {
  target.on('error', () => output.destroy());
  output.pipe(target, { end: false });
  return new Promise((resolve) => {
    output.on('end', () => target.write('', () => resolve()));
    output.on('close', () => {
      if (!output.readableEnded) resolve();
    });
  });
}
