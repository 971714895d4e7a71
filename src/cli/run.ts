import type { Logger } from 'pino';
import { TareError } from '../errors.ts';
import { exitStatus } from './exit-status.ts';
import { openLog } from './log.ts';
import { parseRun } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { RunCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('run', parseRun, argv, session);
  if (command === undefined) return 0;
  return exitStatus(await start(command, await openLog(command.logLevel)));
}

/** The call into the engine. */
async function start(_command: RunCommand, _log: Logger | undefined): Promise<Parameters<typeof exitStatus>[0]> {
  throw new TareError('run: the engine is not wired yet');
}
