import { TareError } from '../errors.ts';
import { parseExplain } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { ExplainCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('explain', parseExplain, argv, session);
  return command === undefined ? 0 : explain(command, session);
}

/** The call into the engine. */
async function explain(_command: ExplainCommand, _session: Session): Promise<number> {
  throw new TareError('explain: the engine is not wired yet');
}
