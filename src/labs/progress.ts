/**
 * What a student has done, in one file under the XDG state directory. It is written anew and renamed into its place, so that it is
 * whole whenever this process is killed; who changes it holds a lock, so that two terminals lose nothing of each other's.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { randomInt } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { TareError } from '../index.ts';
import { isAlive } from './alive.ts';
import { takeLock } from './lock.ts';

const stepShape = z.object({
  /** When it first passed: ISO 8601. */
  passed: z.string().optional(),
  /** Checks that failed. */
  failures: z.int(),
  hints: z.int(),
  /** The solution was looked at. */
  solution: z.boolean(),
  /** To a question: the letter that was chosen, what was measured, whether the one fits the other. */
  answer: z.object({ chosen: z.string(), figure: z.number(), right: z.boolean() }).optional(),
});
export type StepProgress = z.infer<typeof stepShape>;

const labShape = z.object({
  started: z.string(),
  /** The file of a teacher's lab. */
  file: z.string().optional(),
  /** What was found at the start, for this boot of the machine. */
  here: z
    .object({ boot: z.string(), host: z.object({ namespaces: z.record(z.string(), z.int()), hostname: z.string() }) })
    .optional(),
  steps: z.record(z.string(), stepShape),
});
export type LabProgress = z.infer<typeof labShape>;

const progressShape = z.object({
  version: z.literal(1),
  seed: z.int(),
  /** The lab that was started last. */
  current: z.string().optional(),
  labs: z.record(z.string(), labShape),
});
export type Progress = z.infer<typeof progressShape>;

interface SessionName {
  readonly name: string;
  /** As it is called where it is open already. */
  readonly what: string;
}

export class Notebook {
  readonly folder: string;
  readonly #file: string;

  constructor(stateHome: string) {
    this.folder = join(stateHome, 'tare/labs');
    this.#file = join(this.folder, 'progress.json');
  }

  /** @throws TareError where the file is there, and is not ours */
  read(): Progress {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, seed: randomInt(2 ** 31), labs: {} };
      throw this.#failure('read', cause);
    }
    try {
      return progressShape.parse(JSON.parse(text));
    } catch {
      // Said below.
    }
    throw new TareError(`read ${this.#file}: it is no progress of labs`, { hint: 'move it away to begin anew' });
  }

  /** Reads, lets `change` change it, writes. @returns what `change` returns */
  update<T>(change: (progress: Progress) => T): T {
    try {
      makeFolder(this.folder);
    } catch (cause) {
      throw this.#failure('make a directory for', cause);
    }
    using _ = this.#lock();
    const progress = this.read();
    const result = change(progress);
    this.#write(progress);
    return result;
  }

  /** Held by a guided session. @throws TareError where another one is open */
  openSession({ name, what }: SessionName): Disposable {
    this.update(() => {});
    const path = this.#sessionFile(name);
    const holder = takeLock(path);
    if (holder === undefined) return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    throw new TareError(`${what} is open in another terminal, in process ${holder.split(' ')[0]}`, {
      hint: 'go on there, or leave that shell first; tare lab check works beside it',
    });
  }

  isOpen({ name }: SessionName): boolean {
    const holder = read(this.#sessionFile(name));
    return holder !== undefined && isAlive(holder);
  }

  /** The shells of open sessions, of whatever lab: whose parents hold them. */
  sessionShells(): readonly number[] {
    const holders = entriesOf(this.folder)
      .filter((name) => name.endsWith('.session'))
      .flatMap((name) => read(join(this.folder, name)) ?? [])
      .filter(isAlive);
    return holders.flatMap((holder) => {
      const pid = Number(holder.split(' ')[0]);
      return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
    });
  }

  #sessionFile(name: string): string {
    return join(this.folder, `${name}.session`);
  }

  #write(progress: Progress): void {
    const fresh = `${this.#file}.${process.pid}`;
    try {
      const fd = openSync(fresh, 'w', 0o600);
      try {
        writeSync(fd, `${JSON.stringify(progress, null, 2)}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(fresh, this.#file);
    } catch (cause) {
      rmSync(fresh, { force: true });
      throw this.#failure('write', cause);
    }
  }

  /** It is held for a few milliseconds, so that whoever finds it taken may well wait for it. */
  #lock(): Disposable {
    const path = join(this.folder, 'lock');
    const patience = Date.now() + 5000;
    try {
      while (takeLock(path) !== undefined) {
        if (Date.now() > patience) throw new TareError(`lock ${path}: another process holds it`);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    } catch (cause) {
      throw cause instanceof TareError ? cause : this.#failure('lock', cause);
    }
    return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
  }

  #failure(doing: string, cause: unknown): TareError {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    const hint = 'progress is kept there: let XDG_STATE_HOME name a directory that you may write to';
    return new TareError(`${doing} ${this.#file}`, { errno, hint, cause });
  }
}

/** One by one: where a parent cannot be made, mkdir's own `recursive` says ENOENT and not why. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing was ever written
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
