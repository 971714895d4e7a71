/** A bundle whose group is for systemd to make, and tare-oci to be called on it: here and in the test machine. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Resources } from '../../../src/spec/resources.ts';
import type { Called } from './call.ts';

export interface ScopeOptions {
  /** Runs a command where systemd is. */
  readonly call: (...words: string[]) => Called;
  /** How that systemd is asked. */
  readonly systemctl: readonly string[];
  /** The group of its root slice, absolute. */
  readonly top: string;
  readonly checkout: string;
  readonly resources?: Resources;
  /** Where bundles may be. */
  readonly place?: string;
}

export class Scope implements Disposable {
  readonly id = `tare-test-${process.pid}`;
  readonly unit = `test-${this.id}.scope`;
  readonly group: string;
  readonly #options: ScopeOptions;
  readonly #bundle: string;

  constructor(options: ScopeOptions) {
    this.#options = options;
    this.group = join(options.top, 'machine.slice/machine-tare.slice', this.unit);
    this.#bundle = mkdtempSync(join(options.place ?? tmpdir(), 'tare-scope-'));
    this.write(`machine-tare.slice:test:${this.id}`);
  }

  write(cgroupsPath: string): void {
    const { checkout, resources = {} } = this.#options;
    const spec = {
      ociVersion: '1.0.2',
      process: { args: ['sleep', '1000'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] },
      root: { path: join(checkout, 'dist/images/busybox/rootfs'), readonly: true },
      // Without a /dev of its own, the devices would be made in the image that all share.
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      ],
      linux: {
        namespaces: ['pid', 'mount', 'ipc', 'uts', 'cgroup'].map((type) => ({ type })),
        cgroupsPath,
        resources,
      },
    };
    writeFileSync(join(this.#bundle, 'config.json'), JSON.stringify(spec));
  }

  call(verb: string, ...words: string[]): Omit<Called, 'stdout'> {
    const runtime = join(this.#options.checkout, 'bin/tare-oci');
    const options = ['--root', join(this.#bundle, 'state'), '--systemd-cgroup'];
    const { status, stderr } = this.#options.call(runtime, ...options, verb, ...words, this.id);
    return { status, stderr };
  }

  create(): Omit<Called, 'stdout'> {
    return this.call('create', '--bundle', this.#bundle);
  }

  exists(): boolean {
    return existsSync(this.group);
  }

  /** A file of its group. */
  read(file: string): string {
    return readFileSync(join(this.group, file), 'utf8').trim();
  }

  /** Of its unit, as systemd has it. */
  show(property: string): string {
    return this.systemctl('show', '--value', '--property', property, this.unit).stdout.trim();
  }

  systemctl(...words: string[]): Called {
    return this.#options.call(...this.#options.systemctl, ...words);
  }

  [Symbol.dispose](): void {
    this.call('delete', '--force');
    rmSync(this.#bundle, { recursive: true, force: true });
  }
}
