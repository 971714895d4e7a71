import { existsSync } from 'node:fs';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { remove } from '../later.ts';

export async function main(words: Words, context: Context): Promise<number> {
  const { store } = context;
  const force = words.has('force');
  const saved = store.find(words.id);
  if (saved !== undefined) await remove(context, saved, force);
  else if (!force) store.get(words.id);
  else if (existsSync(store.directory(words.id))) store.remove(words.id); // of a create that was killed
  return 0;
}
