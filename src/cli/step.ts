import { TareError } from '../errors.ts';
import { parseStep } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { StepCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('step', parseStep, argv, session);
  return command === undefined ? 0 : step(command, session);
}

/** The call into the engine. */
async function step(_command: StepCommand, _session: Session): Promise<number> {
  throw new TareError('step: the engine is not wired yet');
}
