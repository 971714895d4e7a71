/**
 * Asking the kernel by doing: a trial is a tiny launch program. A child runs it and is gone, and with it its namespaces
 * and all that was mounted in them, so that nothing is left behind.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { syncFd } from '../launch/bootstrap.ts';
import { mapToRoot } from '../launch/id-maps.ts';
import { stopAndWait } from '../launch/parent.ts';
import { cell, data, ProgramBuilder, strings } from '../launch/program.ts';
import type { Child, ProcessExit } from '../launch/child.ts';
import { Spawner } from '../launch/spawn.ts';
import { CLONE, CLOSE_RANGE, flags, MFD, SIG_SET } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import { openNative } from '../linux/native.ts';
import { exercisePower } from './user-namespaces.ts';

/** Where a trial is made: as this process is, as the root of a new user namespace, or as nobody in one without id maps. */
export type World = 'host' | 'user' | 'unmapped';

export interface TrialOptions {
  readonly world: World;
  /** In a new pid namespace. */
  readonly newPid?: boolean;
  /** fd of the cgroup directory to be born in. */
  readonly cgroup?: number;
  /** Fds that the program finds from `innerFd(0, 0)` on. */
  readonly inner?: readonly number[];
  /** What to do for a child that waits for its parent; afterwards it goes on. */
  readonly onStop?: (pid: number) => void | Promise<void>;
}

export type Write = (b: ProgramBuilder) => void;

/** What a program said and took. */
export interface Output extends ProcessExit {
  /** Standard output and error together, the first 64 KiB. */
  readonly text: string;
}

/** The probes that tell why all others have nothing to say. */
export const firstTrials = { child: 'clone3', user: 'user namespaces' } as const;

/** How long to wait for a trial, in ms; all run at once, and the processor may be an emulated one. */
const patience = 60_000;
const most = 65536;

export class Trials {
  readonly #spawner: Spawner;
  readonly #host: Host;
  #noUser: TareError | undefined;

  private constructor(host: Host) {
    this.#host = host;
    this.#spawner = new Spawner(openNative(), host);
    this.#spawner.listen();
  }

  /** Throws what keeps a child from being started, for then no trial has anything to say. */
  static async begin(host: Host): Promise<Trials> {
    const trials = new Trials(host);
    const failure = await trials.child({ world: 'host' }, () => {});
    if (failure !== undefined) throw failure;
    trials.#noUser = await trials.child({ world: 'user' }, exercisePower);
    return trials;
  }

  /** Why this user has no user namespaces. */
  get noUser(): TareError | undefined {
    return this.#noUser;
  }

  /** In this very thread: for calls that change nothing here. The error says which of them failed. */
  here(write: Write): TareError | undefined {
    const b = new ProgramBuilder().stage('trial');
    write(b);
    return caught(() => this.#spawner.run({ ops: b.ops }));
  }

  /** In a child. The error says which step failed. Throws where there is no such world to try it in, or no answer came. */
  async child(options: TrialOptions, write: Write): Promise<TareError | undefined> {
    const { world, newPid = false, cgroup, inner = [], onStop } = options;
    if (world !== 'host' && this.#noUser !== undefined) throw new TareError(`see ${firstTrials.user}`);
    const b = new ProgramBuilder().stage('trial');
    if (world === 'user') mapToRoot(b, this.#host.uid, this.#host.gid);
    write(b);
    b.op('end', 'halt', []);
    const newUser = world !== 'host';
    const born = [...(newUser ? (['NEWUSER'] as const) : []), ...(newPid ? (['NEWPID'] as const) : [])];
    let child: Child | undefined;
    let stop: Promise<void> | undefined;
    const failure = caught(() => {
      child = this.#spawner.spawn({
        program: { ops: b.ops, report: cell('sync', syncFd(0)) },
        cloneFlags: flags(CLONE, ...born),
        fds: [],
        inner,
        ...(cgroup === undefined ? {} : { cgroup }),
        newUser,
        lastCapability: this.#host.lastCapability,
        onStop: (_, stopped) => {
          stop = help(stopped, onStop);
          stop.catch(() => {}); // heard below, once the child has ended
        },
      });
    });
    if (child === undefined) return failure;
    const exit = await this.#ended(child);
    await stop;
    if (exit === undefined) throw new TareError(`no answer within ${patience / 1000} s`);
    if (child.failure !== undefined) return child.failure as TareError;
    return exit.code === 0 ? undefined : new TareError(`the child ended with ${exit.signal ?? `code ${exit.code}`}`);
  }

  /** Runs a program of the host. Throws where it cannot be executed or does not end. */
  async output(args: readonly [path: string, ...rest: string[]], env: readonly string[]): Promise<Output> {
    const b = new ProgramBuilder().stage('program');
    b.op('keep our files from it', 'close_range', [3, 0xffffffff, flags(CLOSE_RANGE, 'CLOEXEC')]);
    b.op('let signals in', 'rt_sigprocmask', [flags(SIG_SET, 'SETMASK'), data('{}', [{ u64: 0 }]), 0, 8]);
    b.op(`execute ${args[0]}`, 'execve', [args[0], strings(args), strings(env)]);
    const nothing = openSync('/dev/null', 'r');
    const text = this.#memory();
    try {
      const child = this.#spawner.spawn({
        program: { ops: b.ops, report: cell('sync', syncFd(3)) },
        cloneFlags: flags(CLONE),
        fds: [nothing, text, text],
        newUser: false,
        lastCapability: this.#host.lastCapability,
      });
      const exit = await this.#ended(child);
      if (exit === undefined) throw new TareError(`${args.join(' ')}: no answer within ${patience / 1000} s`);
      if (child.failure !== undefined) throw child.failure;
      return { ...exit, text: readAll(text) };
    } finally {
      closeSync(nothing);
      closeSync(text);
    }
  }

  #memory(): number {
    const b = new ProgramBuilder();
    const memory = b.result('text', 'make memory for what a program says', 'memfd_create', [
      'text',
      flags(MFD, 'CLOEXEC'),
    ]);
    return this.#spawner.run({ ops: b.ops }).get(memory) ?? -1;
  }

  /** Undefined, and the child is killed, where it takes too long. */
  async #ended(child: Child): Promise<ProcessExit | undefined> {
    let timer: NodeJS.Timeout | undefined;
    // Timers come first: an end that has come while this thread was busy is heard of before time is up.
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => setImmediate(resolve, undefined), patience);
    });
    const exit = await Promise.race([child.exited, late]);
    clearTimeout(timer);
    if (exit !== undefined) return exit;
    this.#spawner.kill(child, 'SIGKILL');
    await child.exited;
    return undefined;
  }
}

/** Stops, for whoever is to map our ids or open our namespaces. */
export const waitForParent = (b: ProgramBuilder): void =>
  stopAndWait({ b, sync: cell('sync', syncFd(0)) }, 'maps', 'ask the parent');

/** Whatever became of the help, the child goes on: its next step tells. */
async function help(child: Child, onStop: TrialOptions['onStop']): Promise<void> {
  try {
    await onStop?.(child.pid);
  } finally {
    child.go();
  }
}

function caught(doing: () => void): TareError | undefined {
  try {
    doing();
    return undefined;
  } catch (error) {
    if (error instanceof TareError) return error;
    throw error;
  }
}

function readAll(fd: number): string {
  const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, most));
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes.toString('utf8');
}
