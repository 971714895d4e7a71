import type { Context, FlagGroup } from './flag.ts';
import { throwProblems } from './problems.ts';
import { quote } from './quote.ts';
import { readFlags } from './read-flags.ts';

/**
 * The command line of a verb that takes flags alone.
 * @throws TareError that names every word that is wrong
 */
export function parsePlain<D>(
  verb: string,
  groups: readonly FlagGroup<D>[],
  draft: D,
  argv: readonly string[],
  context: Context,
): D {
  const flags = groups.flatMap((group) => group.flags);
  const { rest, problems } = readFlags(flags, argv, draft, context);
  throwProblems(verb, [
    ...problems,
    ...rest.map((word) => `${quote(word)}: takes no such word (expected flags alone)`),
  ]);
  return draft;
}
