/** A comparison of two result files as a page of text. Pure. */
import pc from 'picocolors';
import type { Change } from '../compare.ts';
import { figure, range } from './figures.ts';

export function renderChanges(changes: readonly Change[], color: boolean): string {
  const paint = pc.createColors(color);
  const paints = { better: paint.green, worse: paint.red, unchanged: paint.dim };
  const rows = changes.map(({ question, variant, backend, unit, before, after, ratio, low, high, judgement }) => ({
    judgement,
    cells: [
      `${question}, ${variant}`,
      backend,
      figure(before),
      figure(after),
      unit,
      `× ${figure(ratio)}`,
      range(low, high),
      judgement,
    ],
  }));
  const head = ['', '', 'before', 'after', '', 'ratio', '95 %', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((text, column) =>
        [2, 3].includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(({ cells, judgement }) => paints[judgement](line(cells))), ''].join('\n');
}
