/** `tare vm rm`: machines that are kept no longer. */
import { removeSnapshot } from '../../vm/snapshot.ts';
import { sweepFlags } from '../flags.ts';
import { throwProblems } from '../problems.ts';
import { readFlags } from '../read-flags.ts';
import type { Session } from '../session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const draft = { help: false };
  const flags = sweepFlags.flatMap((group) => group.flags);
  const { rest, problems } = readFlags(flags, argv, draft, session);
  if (draft.help) {
    const { printHelp } = await import('../help.ts');
    printHelp('vm rm', session);
    return 0;
  }
  throwProblems('vm rm', rest.length > 0 ? problems : [...problems, 'no name (expected tare vm rm NAME...)']);
  for (const name of rest) await removeSnapshot(name);
  return 0;
}
