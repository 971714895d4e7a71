import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { start } from '../later.ts';

export async function main(words: Words, context: Context): Promise<number> {
  await start(context, context.store.get(words.id));
  return 0;
}
