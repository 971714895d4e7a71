/** Looks into a guest: files of its kernel's, read by a launch program whose memory comes back. */
import { type Cell, cell, data, type Program, ProgramBuilder } from '../launch/program.ts';
import { AT_FDCWD, flags, O } from '../linux/flags.ts';
import type { Channel } from './channel.ts';
import type { Returned } from './returned.ts';

/** Where in a program's memory a file's text will be, and how long it is. */
export interface ReadCells {
  readonly text: Cell;
  readonly length: Cell;
}

/** Reads a file's beginning, at most so many bytes; nothing of one that is not there. */
export function readFile(b: ProgramBuilder, path: string, size: number): ReadCells {
  const [text, length] = [cell('text'), cell('length', 0)];
  // Of the block only the cell at its start is known when the memory is back.
  const block = data(`{${size} bytes}`, [{ cell: text, width: 8 }, { bytes: new Uint8Array(size - 8) }]);
  const open = [AT_FDCWD, path, flags(O, 'RDONLY', 'CLOEXEC'), 0];
  b.ifFound(`open ${path}`, 'openat', open, { allow: ['ENOENT', 'ENOTDIR'] }, (file) => {
    b.op(`read ${path}`, 'read', [file, block, size], { into: length });
    b.op(`close ${path}`, 'close', [file]);
  });
  return { text, length };
}

export const textOf = (returned: Returned, { text, length }: ReadCells): string =>
  returned.bytes(text, Number(returned.cell(length) ?? 0n)).toString('utf8');

/**
 * The texts of these files in the guest, by their paths; absent where a file is.
 *
 * @param size of the longest, in bytes: files of proc and sysfs do not tell
 */
export async function readGuest(channel: Channel, paths: readonly string[], size = 4096): Promise<Map<string, string>> {
  const { program, cells } = readProgram(paths, size);
  const { returned } = await channel.run(program);
  const found = cells.map(({ path, ...read }) => [path, textOf(returned, read)] as const);
  return new Map(found.filter(([, text]) => text !== ''));
}

function readProgram(
  paths: readonly string[],
  size: number,
): { program: Program; cells: ({ path: string } & ReadCells)[] } {
  const b = new ProgramBuilder().stage('facts');
  const cells = paths.map((path) => ({ path, ...readFile(b, path, size) }));
  return { program: { ops: b.ops }, cells };
}

/** How often memory ran out in the guest and its kernel killed a process: /proc/vmstat. */
export async function countOomKills(channel: Channel): Promise<number> {
  const texts = await readGuest(channel, ['/proc/vmstat'], 16384);
  return Number(/^oom_kill (\d+)$/m.exec(texts.get('/proc/vmstat') ?? '')?.[1] ?? 0);
}
