/**
 * A service that makes containers, started for this weighing alone.
 *
 *   tare ── unshare ── sh, pid 1 of a pid namespace ─┬─ dockerd ── containerd
 *                                                    ├─ containerd-shim ── payload
 *                                                    └─ …
 *
 * The shell reaps those whose parent has gone. It dies with unshare, which dies with us, and the kernel then ends all that
 * is in its pid namespace, and with them the mount namespace: so also when we are killed. Cgroups and files alone stay,
 * which `clearSite` and the workspace remove.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import { apart } from './apart.ts';
import { clearSite } from './clear-site.ts';
import { joining } from './job.ts';
import { commandLineOf, descendantsOf } from './processes.ts';
import type { Job, Processes, Site } from './types/backend.ts';

export interface Service {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Whether it answers; asked until it does. */
  ready(): Promise<boolean>;
}

/** Seconds, for it to answer, and for what it ends to be gone. */
const patience = 30;

export class Daemon implements AsyncDisposable {
  readonly #name: string;
  readonly #site: Site;
  readonly #process;
  readonly #shims = new Map<number, readonly string[]>();
  #reaper = -1;
  /** Processes of the service itself. */
  #own: ReadonlySet<number> = new Set();
  #said = '';

  private constructor({ name, command }: Service, job: Job, site: Site) {
    this.#name = name;
    this.#site = site;
    // An asynchronous list, so that the shell waits for whatever becomes its child, until all have ended.
    const steps = ['mount -t proc proc /proc', '"$@" &', 'wait'];
    const [program = '', ...words] = [
      ...joining(job),
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child'],
      ...apart(job, site, { unifiedToo: true, steps }),
      ...command,
    ];
    // A session of its own: Ctrl-C is ours to hear.
    this.#process = execa(program, words, { detached: true, buffer: false, reject: false, stdin: 'ignore' });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-4000);
      });
  }

  /** @throws TareError with what it said last, where it does not come up */
  static async start(service: Service, job: Job, site: Site): Promise<Daemon> {
    const daemon = new Daemon(service, job, site);
    try {
      await daemon.#await(service);
      daemon.#own = new Set(daemon.#descendants());
      daemon.#reaper = firstChild(daemon.#process.pid ?? -1);
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What runs for the sake of instances, and not of all. */
  processes({ payload }: Job): Processes {
    const words = payload.join('\0');
    const pids = this.#descendants().filter((pid) => !this.#own.has(pid));
    const isPayload = (pid: number): boolean => commandLineOf(pid).join('\0') === words;
    return { payload: pids.filter(isPayload), helpers: pids.filter((pid) => !isPayload(pid)) };
  }

  /**
   * Resolves once no shim is left that has the id among its words: the service tells of an end before.
   * @returns when that was, CLOCK_MONOTONIC in ns
   */
  async withoutShim(id: string): Promise<bigint> {
    const deadline = performance.now() + patience * 1000;
    while (childrenOf(this.#reaper).some((pid) => this.#wordsOf(pid).includes(id))) {
      if (performance.now() > deadline)
        throw new TareError(`wait for the shim of ${id}`, { hint: `still there after ${patience} seconds` });
      await pause(1);
    }
    return process.hrtime.bigint();
  }

  /** At once; what it leaves is for its disposal to clear. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Ends all that is in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#process;
    await clearSite(this.#site);
  }

  async #await(service: Service): Promise<void> {
    const deadline = performance.now() + patience * 1000;
    while (!(await service.ready())) {
      this.#site.signal.throwIfAborted();
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw this.#error(`it ended with ${this.#process.exitCode ?? this.#process.signalCode}`);
      if (performance.now() > deadline) throw this.#error(`no answer for ${patience} seconds`);
      await pause(20);
    }
  }

  #error(how: string): TareError {
    const said = this.#said.trim().split('\n').slice(-3).join(' | ');
    return new TareError(`start ${this.#name}: ${said === '' ? how : `${said} (${how})`}`);
  }

  #descendants(): number[] {
    return descendantsOf(this.#process.pid ?? -1);
  }

  /** Read once: there are as many questions as instances. */
  #wordsOf(pid: number): readonly string[] {
    const words = this.#shims.get(pid) ?? commandLineOf(pid);
    this.#shims.set(pid, words);
    return words;
  }
}

const firstChild = (pid: number): number => childrenOf(pid)[0] ?? -1;

/** Of the main thread, which is the only one of a shell. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has ended, and all of them with it
  }
}
