import type { Exit } from '../container/exit.ts';
import { record } from '../container/recording.ts';
import { startIsolated } from './foreground.ts';
import { openLog } from './log.ts';
import { parseRun } from './parse-run.ts';
import { prepare } from './prepare.ts';
import { recordableOf } from './recordable.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('run', parseRun, argv, session);
  if (command === undefined) return 0;
  const log = await openLog(command.logLevel);
  log?.debug({ request: command.request, isolation: command.isolation }, 'start');
  const { running, engine, ended } = await startIsolated(command, session);
  log?.info({ id: running.id }, 'started');
  const exit = await ended;
  log?.info({ id: running.id, ...exit }, 'ended');
  reportOom(exit, running.id, session);
  const recordable = recordableOf(argv, command);
  if (recordable !== undefined) await record(engine, recordable);
  await session.written();
  engine.spawner.leave(exit.exitCode);
  return exit.exitCode;
}

/** An exit by SIGKILL does not say who sent it. */
export function reportOom({ oom }: Exit, id: string, session: Session): void {
  if (oom === undefined) return;
  const limit = oom.maxBytes === undefined || !Number.isFinite(oom.maxBytes) ? '' : ` of ${oom.maxBytes / 2 ** 20} MiB`;
  const whose = oom.limit === 'own' ? `its memory limit${limit} was reached` : 'memory ran out outside its own limit';
  session.complain(`tare: container ${id}: the OOM killer ended a process: ${whose}\n`);
}
