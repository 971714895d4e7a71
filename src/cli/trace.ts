import { TareError } from '../errors.ts';
import { parseTrace } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { TraceCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('trace', parseTrace, argv, session);
  return command === undefined ? 0 : trace(command, session);
}

/** The call into the engine. */
async function trace(_command: TraceCommand, _session: Session): Promise<number> {
  throw new TareError('trace: the engine is not wired yet');
}
