import { TareError } from '../../errors.ts';
import { explain } from '../../launch/explain.ts';
import type { Words } from '../command-line.ts';
import { laterPrograms } from '../container-file.ts';
import type { Context } from '../context.ts';
import { type LaterVerb, laterVerbs } from '../programs.ts';

/** The program that `create` has compiled, as the front end will run it. */
export async function main(words: Words, { store }: Context): Promise<number> {
  const [word = '', id = ''] = words.operands;
  const verb = laterVerbs.find((known): known is LaterVerb => known === word);
  if (verb === undefined) throw new TareError(`explain ${word}`, { hint: `there is ${laterVerbs.join(', ')}` });
  const program = laterPrograms(store.get(id))[verb];
  process.stdout.write(program === undefined ? `${verb} takes Node: hooks are to be run\n` : explain(program));
  return 0;
}
