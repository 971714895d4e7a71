/** `tare vm prune`: what is kept for machines and no longer wanted. */
import { prune } from '../../vm/prune.ts';
import { pruneFlags } from '../flags.ts';
import { parsePlain } from '../parse-plain.ts';
import type { PruneCommand } from '../run-command.ts';
import type { Session } from '../session.ts';

const day = 86_400_000;

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const draft: PruneCommand = { unused: 0, all: false, help: false };
  const command = parsePlain('vm prune', pruneFlags, draft, argv, session);
  if (command.help) {
    const { printHelp } = await import('../help.ts');
    printHelp('vm prune', session);
    return 0;
  }
  const removed = prune({ unusedFor: command.unused * day, kernels: command.all });
  const total = removed.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of removed) session.print(`${megabytes(bytes).padStart(9)}  ${path}\n`);
  session.print(`${megabytes(total).padStart(9)}  in all\n`);
  return 0;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
