/** A bundle of busybox in a directory of its own, and a runtime to call on it as engines do. */
import { spawnSync, type StdioOptions } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Spec } from '../../../src/spec/spec.ts';
import { type Called, eventually } from './call.ts';
import type { Runtime } from './runtimes.ts';

export { eventually } from './call.ts';

const image = join(import.meta.dirname, '../../../dist/images/busybox/rootfs');

const worlds = ['pid', 'network', 'ipc', 'uts', 'mount'] as const;

/** What `runc spec` writes, without a terminal, and with a root that may be written to. */
export const plainSpec = (args: readonly string[]): Spec => ({
  ociVersion: '1.0.2',
  process: {
    user: { uid: 0, gid: 0 },
    args: [...args],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    cwd: '/',
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
    noNewPrivileges: true,
  },
  root: { path: 'rootfs' },
  hostname: 'suite',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
  ],
  linux: { namespaces: worlds.map((type) => ({ type })) },
});

export interface CallOptions {
  readonly stdio?: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid?: number;
  readonly status: string;
  readonly bundle: string;
  readonly annotations?: Record<string, string>;
}

/** A text that has this in it. */
export const saying = (words: string | RegExp): unknown =>
  typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words);

let count = 0;

export class Bundle implements Disposable {
  readonly path: string;
  readonly runtime: Runtime;
  readonly id: string;

  constructor(runtime: Runtime, spec: Spec) {
    this.runtime = runtime;
    this.path = mkdtempSync(join(tmpdir(), 'tare-oci-test-'));
    this.id = `tare-test-${process.pid}-${(count += 1)}`;
    cpSync(image, this.at('rootfs'), { recursive: true, verbatimSymlinks: true });
    this.write(spec);
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  removeSpec(): void {
    rmSync(this.at('config.json'));
  }

  /** Where a link leads; `undefined` where there is none. */
  link(path: string): string | undefined {
    try {
      return readlinkSync(path);
    } catch {
      return undefined;
    }
  }

  write(spec: unknown): void {
    writeFileSync(this.at('config.json'), JSON.stringify(spec));
  }

  /** Both streams go through files: what a container inherits, it may hold open for long. */
  call(verb: string, words: readonly string[] = [], options: CallOptions = {}): Called {
    const [file, ...first] = this.runtime.words;
    mkdirSync(this.at('said'), { recursive: true });
    const all = [...first, '--root', this.at('state'), '--log', this.at('log'), '--log-format', 'json', verb, ...words];
    const [out, err] = [this.at('said/out'), this.at('said/err')];
    const shell = ['-c', 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"', 'sh', out, err, file, ...all];
    const input = options.input === undefined ? 'ignore' : 'pipe';
    const { status } = spawnSync('/bin/sh', shell, {
      stdio: [input, 'ignore', 'ignore', ...((options.stdio as never[] | undefined) ?? [])],
      timeout: 20_000,
      cwd: this.path,
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
  }

  create(words: readonly string[] = [], options?: CallOptions): Called {
    return this.call('create', ['--bundle', this.path, ...words, this.id], options);
  }

  start(): Called {
    return this.call('start', [this.id]);
  }

  state(): State {
    const { status, stdout, stderr } = this.call('state', [this.id]);
    if (status !== 0) throw new Error(`state: ${stderr}`);
    return JSON.parse(stdout) as State;
  }

  /** What a file of the container's root says; `undefined` where there is none. */
  read(file: string): string | undefined {
    const path = this.at('rootfs', file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  async until(status: string): Promise<void> {
    await eventually(`it is ${status}`, () => this.state().status === status);
  }

  /** The messages of `--log`. */
  get log(): { readonly level: string; readonly msg: string; readonly time: string }[] {
    if (!existsSync(this.at('log'))) return [];
    const lines = readFileSync(this.at('log'), 'utf8').trim().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as never);
  }

  [Symbol.dispose](): void {
    this.call('delete', ['--force', this.id]);
    rmSync(this.path, { recursive: true, force: true });
  }
}
