/** `tare vm snapshot`: boot once, resume from then on. */
import { Engine } from '../../container/engine.ts';
import { takeSnapshot } from '../../isolation/vm-snapshot.ts';
import { parseSnapshot } from '../parse-run.ts';
import { prepare } from '../prepare.ts';
import type { Session } from '../session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = await prepare('vm snapshot', parseSnapshot, argv, session);
  if (command === undefined) return 0;
  const { name, ...request } = command.request;
  const say = (line: string) => session.complain(`tare: ${line}\n`);
  const taken = await takeSnapshot(new Engine(), name ?? nameOf(request.image), {
    ...request,
    vm: command.machine,
    say,
  });
  session.print(`${taken.name}\n`);
  return 0;
}

/** `dir:/srv/web` → `web`. */
const nameOf = (image: string): string => image.replace(/^.*[/:]/, '').replace(/[^a-zA-Z0-9_.-]/g, '-') || 'snapshot';
