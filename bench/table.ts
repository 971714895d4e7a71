/** Text tables: the first column to the left, numbers to the right. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${[line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')}\n`;
}

/** Nanoseconds as milliseconds: `2.71`. */
export const ms = (nanoseconds: number): string => (nanoseconds / 1e6).toFixed(2);

/** Nanoseconds as whole microseconds. */
export const us = (nanoseconds: number): string => (nanoseconds / 1e3).toFixed(0);
