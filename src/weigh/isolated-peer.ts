/** A peer behind tare's own interface of isolations: a virtual machine, asked for from this process. */
import type { Isolated, IsolatedOptions, Isolation } from '../isolation/isolation.ts';
import { TareError } from '../errors.ts';
import { usualMemory } from '../isolation/vm-plan.ts';
import { machineAddress } from './link.ts';
import { payloadOf } from './job.ts';
import { commandLineOf, descendantsOf } from './processes.ts';
import type { Held, Job, Peer, Run, Site } from './types/backend.ts';

export class IsolatedPeer implements Peer {
  readonly address = machineAddress;
  readonly memory = usualMemory / 2 ** 20;
  readonly #isolation: Isolation;
  protected readonly site: Site;
  readonly #name: string;
  readonly #options: IsolatedOptions;
  readonly #held = new Set<Isolated>();

  constructor(isolation: Isolation, name: string, job: Job, site: Site, more: Partial<IsolatedOptions>) {
    this.#isolation = isolation;
    this.site = site;
    this.#name = name;
    const { image, args } = payloadOf(job);
    this.#options = { isolation: isolation.kind, image, args, stdio: 'pipe', signal: site.signal, ...more };
  }

  async run(count: number): Promise<readonly Run[]> {
    return Promise.all(Array.from({ length: count }, async () => this.#runOne()));
  }

  async #runOne(): Promise<Run> {
    const requested = process.hrtime.bigint();
    const isolated = await this.#isolation.start(this.site.engine, this.#options);
    try {
      isolated.stdin?.end();
      const [out, errors] = [collect(isolated.stdout), collect(isolated.stderr)];
      const { exitCode } = await isolated.exited;
      const exited = process.hrtime.bigint();
      await isolated[Symbol.asyncDispose]();
      const gone = process.hrtime.bigint();
      await Promise.all([out.ended, errors.ended]);
      if (exitCode !== 0) throw this.#failure(errors.text(), `exit code ${exitCode}`);
      const firstByte = out.first();
      const internal = internalTimer(isolated);
      return {
        requested,
        ...(firstByte === undefined ? {} : { firstByte }),
        exited,
        gone,
        ...(internal === undefined ? {} : { internal }),
        output: out.text(),
      };
    } finally {
      await isolated[Symbol.asyncDispose]();
    }
  }

  async hold(): Promise<Held> {
    const requested = process.hrtime.bigint();
    const isolated = await this.#isolation.start(this.site.engine, this.#options);
    this.#held.add(isolated);
    const firstByte = await new Promise<bigint>((resolve, reject) => {
      isolated.stdout?.once('data', () => resolve(process.hrtime.bigint()));
      const ended = () => reject(this.#failure('', 'it ended at once'));
      isolated.exited.then(ended, reject);
    });
    return {
      requested,
      firstByte,
      release: async () => {
        isolated.stdin?.end();
        await isolated.exited;
        await isolated[Symbol.asyncDispose]();
        this.#held.delete(isolated);
      },
    };
  }

  /** The payload is inside; of the host's processes all are helpers. */
  processes(): ReturnType<NonNullable<Peer['processes']>> {
    const helpers = descendantsOf(process.pid).filter((pid) =>
      /qemu-system|virtiofsd/.test(commandLineOf(pid)[0] ?? ''),
    );
    return { payload: [], helpers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const isolated of this.#held) await isolated[Symbol.asyncDispose]();
  }

  #failure(said: string, how: string): TareError {
    const last = said.trim().slice(-1000);
    return new TareError(`run ${this.#name}: ${last === '' ? how : `${last} (${how})`}`);
  }
}

/** As Firecracker counts: from a monitor that is ready until the guest's first process. */
function internalTimer({ timeline }: Isolated): bigint | undefined {
  const phases = timeline.phases.filter(({ name }) => ['firmware', 'kernel', 'resume'].includes(name));
  return phases.length === 0 ? undefined : BigInt(Math.round(phases.reduce((sum, { wallNs }) => sum + wallNs, 0)));
}

interface Collected {
  text(): string;
  first(): bigint | undefined;
  readonly ended: Promise<unknown>;
}

function collect(stream: NodeJS.ReadableStream | undefined): Collected {
  let text = '';
  let first: bigint | undefined;
  stream?.on('data', (chunk: Buffer) => {
    first ??= process.hrtime.bigint();
    text += chunk.toString();
  });
  const ended = new Promise((resolve) => {
    if (stream === undefined) resolve(undefined);
    for (const end of ['end', 'close', 'error']) stream?.once(end, resolve);
  });
  return { text: () => text, first: () => first, ended };
}
