/** A command that is started again and again by a process of its own, which keeps the time: native/stopwatch.c draws how. */
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import { errnoName } from '../linux/abi.ts';
import { builtFile } from '../linux/native.ts';
import type { Held, Run } from './types/backend.ts';

export interface StopwatchOptions {
  /** What is run, in messages: `crun`. */
  readonly name: string;
  /** Of the commands; the stopwatch changes into it before any is started. */
  readonly root?: string;
  /** Files that each command is given afresh, by fd. */
  readonly files?: Readonly<Record<number, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that ends in executing what follows it: it prepares the surroundings, once for all. */
  readonly within?: readonly string[];
  readonly signal?: AbortSignal;
  /** Seconds, for a run to end or an instance to write its first byte; 120 unless said otherwise. */
  readonly patience?: number;
}

/** An instance whose command has ended while others of its processes live on. */
export interface Left {
  readonly requested: bigint;
  readonly exited: bigint;
}

/** Who waits for news of an instance. */
interface Listener {
  ended(fields: readonly string[]): void;
  first?(fields: readonly string[]): void;
  left?(fields: readonly string[]): void;
  failed(error: unknown): void;
}

export class Stopwatch implements AsyncDisposable {
  readonly #options: StopwatchOptions;
  readonly #process;
  readonly #listeners = new Map<string, Listener>();
  #errors = '';
  #next = 0;

  /** @param command in which `{}` is the instance's id */
  constructor(command: readonly string[], options: StopwatchOptions) {
    this.#options = options;
    const { root, files = {}, within = [], environment, signal } = options;
    const settings = [
      ...(root === undefined ? [] : ['-r', root]),
      ...Object.entries(files).flatMap(([fd, file]) => ['-i', `${fd}=${file}`]),
    ];
    const [program = '', ...args] = [...within, builtFile('stopwatch'), ...settings, '--', ...command];
    // A session of its own: Ctrl-C is ours to hear, and what runs is ended by us.
    this.#process = execa(program, args, {
      detached: true,
      buffer: false,
      reject: false,
      stripFinalNewline: false,
      extendEnv: false,
      env: { ...cleanEnvironment(process.env), ...environment },
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    createInterface(this.#process.stdout).on('line', (line) => this.#hear(line));
    this.#process.stdin.on('error', () => undefined); // its end is heard of below
    void this.#process.then(({ exitCode, signal: killed, cause }) => {
      const how = killed ?? (exitCode === undefined ? 'it cannot be started' : `exit code ${exitCode}`);
      this.#failAll(this.#error('keep the time of', how, cause));
    });
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Of the stopwatch itself; every process that is started for an instance is a descendant of it. */
  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What comes next in the place of `{}`. */
  nextId(): string {
    this.#next += 1;
    return `${this.#options.name}-${this.pid}-${this.#next}`;
  }

  async run(count: number): Promise<readonly Run[]> {
    return this.runNamed(Array.from({ length: count }, () => this.nextId()));
  }

  /** @param onLeft hears when a command has ended, and what it has started lives on */
  async runNamed(ids: readonly string[], onLeft?: (left: Left) => void): Promise<readonly Run[]> {
    this.#errors = '';
    const ended = ids.map(async (id) => this.#expect(id, onLeft));
    this.#write(ids.map((id) => `run ${id}\n`).join(''));
    return Promise.all(ended);
  }

  async hold(): Promise<Held> {
    const id = this.nextId();
    let gone: Promise<Run> | undefined;
    const first = await new Promise<readonly string[]>((resolve, reject) => {
      gone = this.#expect(id, undefined, resolve);
      gone.then(() => reject(new TareError(`hold ${this.#options.name}`, { hint: 'it ended at once' })), reject);
      this.#write(`hold ${id}\n`);
    });
    const [requested = '', firstByte = ''] = first;
    return {
      requested: BigInt(requested),
      firstByte: BigInt(firstByte),
      release: async () => {
        this.#write(`release ${id}\n`);
        await gone;
      },
    };
  }

  /** Kills what is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#process.stdin.end();
    await this.#process;
  }

  async #expect(id: string, onLeft?: (left: Left) => void, first?: (fields: readonly string[]) => void): Promise<Run> {
    const { name, patience = 120, signal } = this.#options;
    signal?.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Run>((resolve, reject) => {
        const late = () => reject(new TareError(`wait for ${name}`, { hint: `nothing for ${patience} seconds` }));
        const begin = () => {
          clearTimeout(timer);
          timer = setTimeout(late, patience * 1000);
        };
        begin();
        this.#listeners.set(id, {
          failed: reject,
          first: (fields) => {
            clearTimeout(timer); // it lives until it is released
            first?.(fields);
          },
          left: ([requested = '', exited = '', status]) => {
            if (status !== '0') reject(this.#error('run', `exit code ${status}`));
            else onLeft?.({ requested: BigInt(requested), exited: BigInt(exited) });
          },
          ended: (fields) => {
            const status = fields[4] ?? '';
            if (status === '0') resolve(runOf(fields));
            else reject(this.#refusal(status, fields[8] ?? ''));
          },
        });
      });
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(id);
    }
  }

  #write(text: string): void {
    this.#process.stdin.write(text);
  }

  #hear(line: string): void {
    const [news, id = '', ...fields] = line.split(' ');
    const listener = this.#listeners.get(id);
    if (news === 'end') listener?.ended(fields);
    else if (news === 'first') listener?.first?.(fields);
    else if (news === 'left') listener?.left?.(fields);
  }

  #failAll(error: unknown): void {
    for (const listener of [...this.#listeners.values()]) listener.failed(error);
  }

  readonly #abort = (): void => {
    this.#failAll(this.#options.signal?.reason);
    this.#process.stdin.end();
  };

  #refusal(status: string, output: string): TareError {
    const text = Buffer.from(output, 'hex').toString();
    const errno = status === '255' ? /^spawn (\d+)$/.exec(text)?.[1] : undefined;
    return this.#error('run', errno === undefined ? `exit code ${status}` : errnoName(Number(errno)));
  }

  /** With the last that was written to standard error, which says most. */
  #error(doing: string, how: string, cause?: unknown): TareError {
    const said = this.#errors.trim().split('\n').slice(-3).join(' | ');
    return new TareError(`${doing} ${this.#options.name}: ${said === '' ? how : `${said} (${how})`}`, { cause });
  }
}

/** Node 20 parses these certificates whenever it starts, 40 ms of which nothing that is measured has any use. */
function cleanEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = environment;
  return Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function runOf(fields: readonly string[]): Run {
  const [requested = '', first = '', exited = '', gone = '', , user, system, peak, output = '-'] = fields;
  return {
    requested: BigInt(requested),
    ...(first === '0' ? {} : { firstByte: BigInt(first) }),
    exited: BigInt(exited),
    gone: BigInt(gone),
    output: output === '-' ? '' : Buffer.from(output, 'hex').toString(),
    usage: { user: Number(user), system: Number(system), peak: Number(peak) },
  };
}
