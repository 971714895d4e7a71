import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { stateOf } from '../state.ts';

export async function main(words: Words, { store }: Context): Promise<number> {
  const saved = store.get(words.id);
  process.stdout.write(`${JSON.stringify(stateOf(saved, store.status(saved)), undefined, 2)}\n`);
  return 0;
}
