import type { Words } from './command-line.ts';
import type { Context } from './context.ts';

export interface Verb {
  /** @returns the exit status */
  readonly main: (words: Words, context: Context) => Promise<number>;
}
