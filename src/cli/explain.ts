import { Engine } from '../container/engine.ts';
import { isolations } from '../isolation/isolations.ts';
import { parseExplain } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('explain', parseExplain, argv, session);
  if (command === undefined) return 0;
  const request = command.tty ? { ...command.request, terminal: true } : command.request;
  const isolation = await isolations[command.isolation]();
  session.print(await isolation.explain(new Engine(), { ...request, vm: command.machine }, command.json));
  return 0;
}
