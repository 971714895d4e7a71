import { Engine } from '../container/engine.ts';
import { sweepCgroups } from '../container/sweep.ts';
import { sweepFlags } from './flags.ts';
import { parsePlain } from './parse-plain.ts';
import type { Session } from './session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const { help } = parsePlain('sweep', sweepFlags, { help: false }, argv, session);
  if (help) {
    const { printHelp } = await import('./help.ts');
    printHelp('sweep', session);
  } else {
    await sweepCgroups(new Engine(), { patient: true });
  }
  return 0;
}
