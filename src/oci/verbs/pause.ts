import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { pause } from '../later.ts';

export async function main(words: Words, context: Context): Promise<number> {
  await pause(context, context.store.get(words.id));
  return 0;
}
