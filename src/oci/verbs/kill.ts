import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { kill, killAll } from '../later.ts';
import { signalNumber } from '../signal.ts';

export async function main(words: Words, context: Context): Promise<number> {
  const saved = context.store.get(words.id);
  const signal = signalNumber(words.operands[1] ?? 'TERM');
  if (words.has('all')) await killAll(context, saved, signal);
  else kill(context, saved, signal);
  return 0;
}
