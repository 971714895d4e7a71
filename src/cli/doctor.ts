import { TareError } from '../errors.ts';
import { doctorFlags } from './flags.ts';
import { parsePlain } from './parse-plain.ts';
import type { DoctorCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = parsePlain('doctor', doctorFlags, { json: false, help: false }, argv, session);
  if (!command.help) return examine(command, session);
  const { printHelp } = await import('./help.ts');
  printHelp('doctor', session);
  return 0;
}

/** The call into the engine. */
async function examine(_command: DoctorCommand, _session: Session): Promise<number> {
  throw new TareError('doctor: the probe of this machine is not wired yet');
}
