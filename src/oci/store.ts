/** The directory of containers: `ROOT/ID/`, root's own. What lies in it is what is known of a container between two verbs. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../errors.ts';
import { startedAt } from '../container/owner.ts';
import type { Arch } from '../linux/abi.ts';
import { bundleOf } from '../image/resolve.ts';
import { capabilityNames } from '../spec/capability-names.ts';
import { adapt } from './adapt.ts';
import { encodeContainer } from './container-file.ts';
import { files } from './programs.ts';
import type { Saved, Status } from './state.ts';

/** As runc has it: a name of a directory, and of a cgroup. */
const validId = /^[\w+.-]+$/;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

export class Store {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  directory(id: string): string {
    if (!validId.test(id) || id === '.' || id === '..')
      throw new TareError(`use the container id ${JSON.stringify(id)}: invalid ID format`, {
        hint: 'letters, digits and the characters _ + - .',
      });
    return join(this.#root, id);
  }

  /** Makes the directory of a new container: of two who want an id, one gets it. */
  claim(id: string): string {
    const directory = this.directory(id);
    try {
      mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      const { uid, mode } = lstatSync(this.#root);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0)
        throw new TareError(`keep containers in ${this.#root}`, {
          hint: 'it must be our own, and nobody else may write to it',
        });
      mkdirSync(directory, { mode: 0o700 });
      return directory;
    } catch (cause) {
      if (cause instanceof TareError) throw cause;
      if (codeOf(cause) === 'EEXIST')
        throw new TareError(`create container ${id}: container with given ID already exists`, {
          hint: `delete it first, or take another id`,
          cause,
        });
      throw new TareError(`make ${directory}`, { errno: codeOf(cause), cause });
    }
  }

  /** Whoever reads sees the whole of it or nothing. */
  save(saved: Saved, arch: Arch): void {
    const directory = this.directory(saved.id);
    write(join(directory, files.saved), JSON.stringify(saved));
    write(join(directory, files.container), encodeContainer(saved, arch).bytes);
  }

  /** Undefined where there is no such container, or one that is just being made or removed. */
  find(id: string): Saved | undefined {
    try {
      return wholeOf(JSON.parse(readFileSync(join(this.directory(id), files.saved), 'utf8')) as Saved | SavedBriefly);
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      if (cause instanceof TareError) throw cause;
      throw new TareError(`read what is known of container ${id}`, { errno: codeOf(cause), cause });
    }
  }

  get(id: string): Saved {
    const found = this.find(id);
    if (found !== undefined) return found;
    throw new TareError(`find container ${id}: container does not exist`, { hint: `none is kept in ${this.#root}` });
  }

  /** All that are there, by id. */
  list(): Saved[] {
    const names = existsSync(this.#root) ? readdirSync(this.#root).sort() : [];
    return names.filter((name) => validId.test(name)).flatMap((name) => this.find(name) ?? []);
  }

  status(saved: Saved): Status {
    if (startedAt(String(saved.pid)) !== `${saved.pid} ${saved.startTime}`) return 'stopped';
    if (isFrozen(saved)) return 'paused';
    return existsSync(join(this.directory(saved.id), files.start)) ? 'created' : 'running';
  }

  remove(id: string): void {
    rmSync(this.directory(id), { recursive: true, force: true });
  }
}

/** What native/creation.c saves: it knows of no spec, and keeps the bundle's document. It had nothing to warn of. */
type SavedBriefly = Omit<Saved, 'spec'> & { readonly config: unknown };

function wholeOf(saved: Saved | SavedBriefly): Saved {
  if (!('config' in saved)) return saved;
  const { config, ...rest } = saved;
  const { spec } = bundleOf(
    saved.bundle,
    adapt(config, new Set(capabilityNames), () => {}),
  );
  return { ...rest, spec };
}

function isFrozen({ cgroup }: Saved): boolean {
  if (cgroup === undefined) return false;
  try {
    return /^frozen 1$/m.test(readFileSync(`${cgroup}/cgroup.events`, 'utf8'));
  } catch {
    return false; // removed meanwhile
  }
}

function write(path: string, content: string | Buffer): void {
  try {
    writeFileSync(`${path}.new`, content, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new TareError(`write ${path}`, { errno: codeOf(cause), cause });
  }
}
