/** `tare vm list`: the machines that are kept. */
import { listSnapshots, sizeOf, type Snapshot } from '../../vm/snapshot.ts';
import { listFlags } from '../flags.ts';
import { parsePlain } from '../parse-plain.ts';
import type { Session } from '../session.ts';

export async function main(argv: readonly string[], session: Session): Promise<number> {
  const command = parsePlain('vm list', listFlags, { json: false, help: false }, argv, session);
  if (command.help) {
    const { printHelp } = await import('../help.ts');
    printHelp('vm list', session);
    return 0;
  }
  const found = listSnapshots();
  const sizes = await Promise.all(found.map(({ name }) => sizeOf(name)));
  if (command.json) {
    const entries = found.map((one, index) => ({ ...one, bytes: sizes[index] }));
    session.print(`${JSON.stringify(entries, null, 2)}\n`);
  } else if (found.length > 0) session.print(table(found, sizes));
  return 0;
}

const mebibytes = (bytes = 0): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function table(snapshots: readonly Snapshot[], sizes: readonly number[]): string {
  const rows = snapshots.map(({ name, image, created, machine }, index) => [
    name,
    image,
    `${machine.type}, ${machine.accelerator}`,
    mebibytes(machine.memory),
    mebibytes(sizes[index]),
    created.slice(0, 16).replace('T', ' '),
  ]);
  const all = [['NAME', 'IMAGE', 'MACHINE', 'MEMORY', 'ON DISK', 'CREATED (UTC)'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ');
  return all.map((row) => `${line(row).trimEnd()}\n`).join('');
}
