import { Engine } from '../container/engine.ts';
import { explainRun } from '../container/explain.ts';
import { parseExplain } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('explain', parseExplain, argv, session);
  if (command === undefined) return 0;
  const request = command.tty ? { ...command.request, terminal: true } : command.request;
  session.print(await explainRun(new Engine(), request, command.json));
  return 0;
}
