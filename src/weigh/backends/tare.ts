/** tare as a library, from a process that is warm: this one. */
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../../container/container.ts';
import { type CreateOptions, create, launch } from '../../container/run.ts';
import { TareError } from '../../errors.ts';
import { followContainer } from '../follow.ts';
import { requestOf } from '../job.ts';
import { namespaced, overlayRoot } from '../offers.ts';
import { commandLineOf, descendantsOf } from '../processes.ts';
import { tareTraits } from '../tare-traits.ts';
import type { Backend, Held, Job, Peer, Run, Site, Steps } from '../types/backend.ts';

/** V8 compiles what has run often: so many times, or ms. */
const warm = { times: 200, milliseconds: 1500 };

export const tare: Backend = {
  name: 'tare',
  title: 'tare, library',
  family: 'container',
  traits: tareTraits,
  offers: namespaced(overlayRoot),
  probe: async (site) => ({ version: site.tare }),
  follow: followContainer,
  open: async (job, site) => {
    const peer = new Library(job, site);
    try {
      const deadline = performance.now() + warm.milliseconds;
      for (let time = 0; time < warm.times && performance.now() < deadline; time += 1) await peer.run(1);
    } catch (error) {
      await peer[Symbol.asyncDispose]();
      throw error;
    }
    return peer;
  },
};

class Library implements Peer {
  readonly #site: Site;
  readonly #options: Omit<CreateOptions, 'stdio'>;
  /** What is written to standard error, by whichever instance. */
  readonly #errors: string;
  readonly #errorsFd: number;
  readonly #held = new Set<Container>();
  #closed = false;

  constructor(job: Job, site: Site) {
    this.#site = site;
    this.#options = { ...requestOf(job, site), signal: site.signal };
    this.#errors = join(site.directory, 'stderr');
    this.#errorsFd = openSync(this.#errors, 'a');
  }

  async run(count: number): Promise<readonly Run[]> {
    truncateSync(this.#errors);
    return Promise.all(Array.from({ length: count }, async () => this.#runOne()));
  }

  async #runOne(): Promise<Run> {
    const before = process.cpuUsage();
    const requested = process.hrtime.bigint();
    await using container = await launch(this.#site.engine, this.#options, {
      waitForStart: false,
      stdio: ['ignore', 'pipe', this.#errorsFd],
    });
    let firstByte: bigint | undefined;
    let output = '';
    container.stdout?.on('data', (chunk: Buffer) => {
      firstByte ??= process.hrtime.bigint();
      output += chunk.toString();
    });
    const heard = new Promise((resolve) => container.stdout?.once('close', resolve));
    const { exitCode, usage } = await container.exited;
    const gone = process.hrtime.bigint();
    const { user, system } = process.cpuUsage(before);
    const { executedAt } = container;
    await heard; // what was written last may arrive after the end
    if (exitCode !== 0) throw this.#failure(`exit code ${exitCode}`);
    return {
      requested,
      ...(firstByte === undefined ? {} : { firstByte }),
      exited: gone,
      ...(executedAt === undefined ? {} : { internal: executedAt - requested }),
      gone,
      output,
      usage: { user: usage.user + user, system: usage.system + system },
    };
  }

  async hold(): Promise<Held> {
    const requested = process.hrtime.bigint();
    const container = await launch(this.#site.engine, this.#options, {
      waitForStart: false,
      stdio: ['pipe', 'pipe', this.#errorsFd],
    });
    this.#held.add(container);
    const firstByte = await new Promise<bigint>((resolve, reject) => {
      container.stdout?.once('data', () => resolve(process.hrtime.bigint()));
      const ended = () => reject(this.#failure('it ended at once'));
      container.exited.then(ended, reject);
    });
    return {
      requested,
      firstByte,
      release: async () => {
        container.stdin?.end();
        await container.exited;
        await container[Symbol.asyncDispose]();
        this.#held.delete(container);
      },
    };
  }

  processes(): ReturnType<NonNullable<Peer['processes']>> {
    const payload = [...this.#held].map(({ pid }) => pid);
    const helpers = descendantsOf(process.pid).filter((pid) => commandLineOf(pid)[0] === 'tare-watchdog');
    return { payload, helpers };
  }

  async runInSteps(): Promise<Steps> {
    const requested = process.hrtime.bigint();
    const container = await create(this.#site.engine, {
      ...this.#options,
      stdio: ['ignore', 'ignore', this.#errorsFd],
    });
    const created = process.hrtime.bigint();
    await container.start();
    const started = process.hrtime.bigint();
    await container.exited;
    const exited = process.hrtime.bigint();
    await container[Symbol.asyncDispose]();
    const ended = process.hrtime.bigint();
    return {
      create: Number(created - requested),
      start: Number(started - created),
      delete: Number(ended - exited),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.#held) await container[Symbol.asyncDispose]();
    if (!this.#closed) closeSync(this.#errorsFd);
    this.#closed = true;
  }

  #failure(how: string): TareError {
    const said = readFileSync(this.#errors, 'utf8').trim().slice(-1000);
    return new TareError(`run tare: ${said === '' ? how : `${said} (${how})`}`);
  }
}
