import { TareError } from '../../errors.ts';
import type { Words } from '../command-line.ts';
import type { Context } from '../context.ts';
import { type State, stateOf } from '../state.ts';

export async function main(words: Words, { store }: Context): Promise<number> {
  const states = store.list().map((saved) => stateOf(saved, store.status(saved)));
  const format = words.value('format') ?? 'table';
  if (words.has('quiet')) process.stdout.write(states.map(({ id }) => `${id}\n`).join(''));
  else if (format === 'json') process.stdout.write(`${JSON.stringify(states)}\n`);
  else if (format === 'table') process.stdout.write(table(states));
  else
    throw new TareError(`list containers in the format ${JSON.stringify(format)}`, { hint: 'there is table and json' });
  return 0;
}

function table(states: readonly State[]): string {
  const rows = [
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...states.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((word, column) => word.padEnd((widths[column] ?? 0) + 2))
      .join('')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
