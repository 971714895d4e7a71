import { isTareError, TareError } from '../errors.ts';
import type { Session, Verb } from './session.ts';
import { verbs } from './verbs.ts';

const spellings: ReadonlyMap<string, string> = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
]);

/** @returns the exit status: 125 tare failed, 126 not executable, 127 not found, else what the verb says */
export async function dispatch(argv: readonly string[], session: Session): Promise<number> {
  try {
    const verb = await loadVerb(argv[0] ?? 'help');
    return await verb.main(argv.slice(1), session);
  } catch (error) {
    const { formatError } = await import('./output.ts');
    const causes = session.logLevel === 'debug' || session.logLevel === 'trace';
    session.complain(formatError(error, { causes, colours: session.colours(2) }));
    return isTareError(error) ? error.exitCode : 125;
  }
}

async function loadVerb(word: string): Promise<Verb> {
  const load = verbs.get(spellings.get(word) ?? word);
  return load === undefined ? refuse(word) : load();
}

async function refuse(word: string): Promise<never> {
  const [{ nearest }, { quote }] = await Promise.all([import('../spec/nearest.ts'), import('./quote.ts')]);
  const near = nearest(word, verbs.keys());
  const what = word.startsWith('-') ? 'no such flag before the verb' : 'no such verb';
  const cure = near === undefined ? '' : `; did you mean ${near}?`;
  throw new TareError(`${quote(word)}: ${what}${cure}`, { hint: 'see tare --help' });
}
