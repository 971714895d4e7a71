/**
 * Where a weighing keeps its files, and that there is only one on this machine: two would measure each other.
 *
 *   /run/tare/weigh            the lock: flock(2), so that it ends with its holder, however that ends
 *   /run/tare/weigh/holder     who has it, to be named
 *   /run/tare/weigh/PID-TIME   a directory of this weighing, with one for each backend
 *   /var/cache/tare/weigh/PID-TIME   the same on a disk; a user's is in a cache of his own
 */
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Engine } from '../../container/engine.ts';
import { tryLock } from '../../container/lock.ts';
import { cacheDir } from '../../linux/cache-dir.ts';
import { TareError } from '../../errors.ts';
import type { Backend, Site } from '../types/backend.ts';

export interface Grounds {
  readonly engine: Engine;
  readonly tare: string;
  readonly signal: AbortSignal;
}

export class Workspace implements Disposable {
  readonly #grounds: Grounds;
  readonly #directory: string;
  /** Where files lie on a disk, as far as this machine has one. */
  readonly disk: string;
  readonly #lock: number;
  /** That `disk` is in use: a weighing in another mount namespace may have another lock. */
  readonly #diskLock: number | undefined;

  private constructor(grounds: Grounds, base: string, lock: number) {
    this.#grounds = grounds;
    this.#lock = lock;
    this.#directory = join(base, `${process.pid}-${Date.now()}`);
    this.disk = join(diskBase(base), basename(this.#directory));
    for (const path of [this.#directory, this.disk]) mkdirSync(path, { mode: 0o700 });
    this.#diskLock = tryLock(grounds.engine.spawner, this.disk);
  }

  /**
   * Takes the lock, and away what killed weighings have left.
   * @throws TareError that names the process which weighs already
   */
  static async open(grounds: Grounds, backends: readonly Backend[]): Promise<Workspace> {
    const base = join(dirname(grounds.engine.scratch), 'weigh');
    for (const path of [base, diskBase(base)]) mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = tryLock(grounds.engine.spawner, base);
    if (lock === undefined)
      throw new TareError(`weigh: ${holderOf(base)} weighs already`, {
        hint: 'two would measure each other: wait for it, or end it',
      });
    try {
      writeFileSync(join(base, 'holder'), `process ${process.pid}`);
      await sweep(base, grounds, backends);
      return new Workspace(grounds, base, lock);
    } catch (error) {
      closeSync(lock);
      throw error;
    }
  }

  /** Of a contender; the same one each time. */
  site(name: string): Site {
    return makeSite(this.#directory, this.disk, name, this.#grounds);
  }

  [Symbol.dispose](): void {
    for (const path of [this.#directory, this.disk]) rmSync(path, { recursive: true, force: true });
    if (this.#diskLock !== undefined) closeSync(this.#diskLock);
    closeSync(this.#lock);
  }
}

/** Who has neither a cache nor a home does without a disk. */
const diskBase = (base: string): string => cacheDir('weigh', process.geteuid?.() ?? 0, process.env) ?? `${base}-disk`;

function makeSite(base: string, diskOf: string, name: string, grounds: Grounds): Site {
  const [directory, disk] = [join(base, name), join(diskOf, name)];
  for (const path of [directory, disk]) mkdirSync(path, { recursive: true });
  return { directory, disk, ...grounds };
}

function holderOf(base: string): string {
  const file = join(base, 'holder');
  return existsSync(file) ? readFileSync(file, 'utf8') : 'another process';
}

/** Whoever holds the lock is the only one: all directories are of weighings that are no more. */
async function sweep(base: string, grounds: Grounds, backends: readonly Backend[]): Promise<void> {
  for (const weighing of readdirSync(base, { withFileTypes: true })) {
    if (!weighing.isDirectory()) continue;
    const directory = join(base, weighing.name);
    for (const name of readdirSync(directory)) {
      const backend = backends.find((one) => one.name === name.replace(/#\d+$/, ''));
      await backend?.sweep?.(makeSite(directory, join(diskBase(base), weighing.name), name, grounds));
    }
    rmSync(directory, { recursive: true, force: true });
  }
  for (const name of readdirSync(diskBase(base))) {
    const path = join(diskBase(base), name);
    const unused = tryLock(grounds.engine.spawner, path);
    if (unused === undefined) continue;
    rmSync(path, { recursive: true, force: true });
    closeSync(unused);
  }
}
