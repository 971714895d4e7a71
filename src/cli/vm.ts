/** `tare vm`: an action per file, loaded when it is asked for. */
import { TareError } from '../errors.ts';
import { didYouMean } from '../spec/nearest.ts';
import { quote } from './quote.ts';
import type { Session, Verb } from './session.ts';

export async function main([word = '--help', ...argv]: readonly string[], session: Session): Promise<number> {
  if (word === '--help' || word === '-h') {
    const { printHelp } = await import('./help.ts');
    printHelp('vm', session);
    return 0;
  }
  const load = actions[word];
  if (load !== undefined) return (await load()).main(argv, session);
  throw new TareError(`vm ${quote(word)}: no such action${didYouMean(word, Object.keys(actions))}`, {
    hint: 'see tare vm --help',
  });
}

const actions: Readonly<Record<string, () => Promise<Verb>>> = {
  snapshot: () => import('./vm/snapshot.ts'),
  list: () => import('./vm/list.ts'),
  rm: () => import('./vm/rm.ts'),
  prune: () => import('./vm/prune.ts'),
  inspect: () => import('./vm/inspect.ts'),
};
