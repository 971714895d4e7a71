/** A peer that is a process of its own and keeps the time itself: the protocol is drawn in stopwatch.h. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Stopwatch as CommandStopwatch } from '../../src/weigh/stopwatch.ts';
import type { Peer } from '../peer.ts';

const top = join(import.meta.dirname, '..');

/** Where the peers' own sources are, whether this runs bundled or not. */
export const sources = join(top, import.meta.dirname.endsWith('peers') ? 'peers' : 'bench/peers');

/** Of what is built for one run of the benchmarks. */
export const buildDirectory = join(top, import.meta.dirname.endsWith('peers') ? '../dist/bench' : 'dist/bench');

/** One run of the peer: CLOCK_MONOTONIC in ns. */
export interface Run {
  readonly begin: bigint;
  readonly end: bigint;
}

export class Stopwatch {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  #errors = '';
  #settle: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;

  constructor(command: readonly [string, ...string[]], environment: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = command;
    this.#child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, ...environment } });
    this.#lines = createInterface(this.#child.stdout);
    this.#lines.on('line', (line) => this.#settle?.resolve(line));
    this.#child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#errors = (this.#errors + text).slice(-2000)));
    this.#child.on('error', (error) => this.#settle?.reject(error));
    this.#child.on('close', (code) => this.#settle?.reject(new Error(this.#complaint(`it ended with ${code}`))));
    this.#child.stdin.on('error', () => undefined); // its end is heard of above
  }

  async run(): Promise<Run> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#child.stdin.write('\n');
    });
    const [begin = '', end = '', status] = line.split(' ');
    if (status !== '0') throw new Error(this.#complaint(`exit code ${status}`));
    return { begin: BigInt(begin), end: BigInt(end) };
  }

  async sample(): Promise<number> {
    const { begin, end } = await this.run();
    return Number(end - begin);
  }

  async close(): Promise<void> {
    this.#settle = undefined;
    this.#child.stdin.end();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await new Promise((resolve) => this.#child.on('close', resolve));
  }

  #complaint(otherwise: string): string {
    const last = this.#errors.trim().split('\n').at(-1) ?? '';
    return last === '' ? otherwise : `${last} (${otherwise})`;
  }
}

/** A command from its start until nothing of it is left, by the stopwatch of `tare weigh`. */
export interface TimedCommand extends Peer {
  run(): Promise<Run>;
}

export function timeCommand(
  command: readonly [string, ...string[]],
  options: { readonly environment?: Readonly<Record<string, string>> } = {},
): TimedCommand {
  const watch = new CommandStopwatch(command, { name: command[0], ...options });
  const run = async (): Promise<Run> => {
    const [one] = await watch.run(1);
    return { begin: one?.requested ?? 0n, end: one?.gone ?? 0n };
  };
  return {
    run,
    sample: async () => {
      const { begin, end } = await run();
      return Number(end - begin);
    },
    close: async () => watch[Symbol.asyncDispose](),
  };
}

/** NAME.c of our peers, with these of native/, → a program. */
export function compileC(name: string, natives: readonly string[] = []): string {
  mkdirSync(buildDirectory, { recursive: true });
  const program = join(buildDirectory, name);
  const includes = ['-I', join(sources, '../../native'), '-I', buildDirectory];
  const strict = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE'];
  const files = [join(sources, `${name}.c`), ...natives.map((file) => join(sources, '../../native', file))];
  execFileSync('gcc', [...strict, ...includes, ...files, '-o', program], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return program;
}
