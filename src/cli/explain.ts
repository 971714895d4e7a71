import { Engine } from '../container/engine.ts';
import { isolations } from '../isolation/isolations.ts';
import { explainChapters, type Explanation } from '../launch/explain.ts';
import { parseDiff, parseExplain } from './parse-run.ts';
import { prepare } from './prepare.ts';
import type { ExplainCommand } from './run-command.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const diff = parseDiff(argv, session);
  if (diff !== undefined) {
    const { explainDiff } = await import('./explain-diff.ts');
    return explainDiff(diff, session);
  }
  const command = await prepare('explain', parseExplain, argv, session);
  if (command === undefined) return 0;
  const { chapters, data } = await explainCommand(new Engine(), command);
  session.print(command.json ? `${JSON.stringify(data, null, 2)}\n` : explainChapters(chapters));
  return 0;
}

export async function explainCommand(engine: Engine, command: ExplainCommand): Promise<Explanation> {
  const request = command.tty ? { ...command.request, terminal: true } : command.request;
  const isolation = await isolations[command.isolation]();
  return isolation.explain(engine, { ...request, vm: command.machine });
}
