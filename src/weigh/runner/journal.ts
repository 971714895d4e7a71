/** Raw samples as they are taken, a line of JSON each: what is left of a weighing that is killed. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../make-directory.ts';
import type { Sample } from '../types/result.ts';

export class Journal implements Disposable {
  readonly path: string;
  /** The errno of the first line that could not be written; the measuring goes on. */
  failure: string | undefined;
  #fd: number | undefined;

  constructor(path: string, header: object) {
    this.path = path;
    this.#attempt(() => {
      makeDirectory(dirname(path));
      this.#fd = openSync(path, 'wx');
    });
    this.#line(header);
  }

  add(sample: Sample): void {
    this.#line(sample);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #line(value: object): void {
    const fd = this.#fd;
    if (fd === undefined || this.failure !== undefined) return;
    this.#attempt(() => writeSync(fd, `${JSON.stringify(value)}\n`));
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failure ??= (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }
}
