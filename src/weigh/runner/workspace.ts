/**
 * Where a weighing keeps its files, and that there is only one on this machine: two would measure each other.
 *
 *   /run/tare/weigh            the lock: flock(2), so that it ends with its holder, however that ends
 *   /run/tare/weigh/holder     who has it, to be named
 *   /run/tare/weigh/PID-TIME   a directory of this weighing, with one for each backend
 */
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Engine } from '../../container/engine.ts';
import { tryLock } from '../../container/lock.ts';
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
  readonly #lock: number;

  private constructor(grounds: Grounds, base: string, lock: number) {
    this.#grounds = grounds;
    this.#lock = lock;
    this.#directory = join(base, `${process.pid}-${Date.now()}`);
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /**
   * Takes the lock, and away what killed weighings have left.
   * @throws TareError that names the process which weighs already
   */
  static async open(grounds: Grounds, backends: readonly Backend[]): Promise<Workspace> {
    const base = join(dirname(grounds.engine.scratch), 'weigh');
    mkdirSync(base, { recursive: true, mode: 0o700 });
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
    const directory = join(this.#directory, name);
    mkdirSync(directory, { recursive: true });
    return { directory, ...this.#grounds };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
    closeSync(this.#lock);
  }
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
      await backend?.sweep?.({ directory: join(directory, name), ...grounds });
    }
    rmSync(directory, { recursive: true, force: true });
  }
}
