/** `tare vm inspect`: what a guest sees of its machine. */
import { Engine } from '../../container/engine.ts';
import { inspectVm } from '../../isolation/vm-inspect.ts';
import { renderView } from '../../vm/inspection-text.ts';
import { inspectFlags } from '../flags.ts';
import { parsePlain } from '../parse-plain.ts';
import { emptyRun } from '../run-command.ts';
import type { Session } from '../session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = parsePlain('vm inspect', inspectFlags, { ...emptyRun(), json: false }, argv, session);
  if (command.help) {
    const { printHelp } = await import('../help.ts');
    printHelp('vm inspect', session);
    return 0;
  }
  const { machine, request } = command;
  const say = (line: string) => session.complain(`tare: ${line}\n`);
  const seen = await inspectVm(new Engine(), { vm: machine, say, ...(request.limits && { limits: request.limits }) });
  session.print(command.json ? `${JSON.stringify(seen, null, 2)}\n` : renderView(seen));
  return 0;
}
