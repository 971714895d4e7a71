import { columnsOf } from './columns.ts';
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

/** 0 if this user can run containers here, 1 if not. */
async function examine(command: DoctorCommand, session: Session): Promise<number> {
  const [{ diagnose }, { canRun }, { renderDiagnosis }] = await Promise.all([
    import('../doctor/diagnose.ts'),
    import('../doctor/diagnosis.ts'),
    import('../doctor/render.ts'),
  ]);
  const diagnoses = await diagnose();
  const page = { columns: columnsOf(process.stdout), color: session.colours(1) };
  session.print(command.json ? `${JSON.stringify(diagnoses, null, 2)}\n` : renderDiagnosis(diagnoses, page));
  return canRun(diagnoses) ? 0 : 1;
}
