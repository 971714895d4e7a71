/** A weighing as a page of text. Pure. */
import pc from 'picocolors';
import type { Weighing } from '../types/result.ts';
import { duration, figure } from './figures.ts';
import { fixedColumns, missingBackends, missingQuestions, type Sheet, sheetsOf } from './rows.ts';
import { sentences } from './sentences.ts';

export interface Page {
  /** Characters. */
  readonly columns: number;
  readonly color: boolean;
}

export function renderTerminal(weighing: Weighing, page: Page): string {
  const { bold, dim, yellow } = pc.createColors(page.color);
  const { machine, seconds, harness, outcome, reference } = weighing;
  const sheets = sheetsOf(weighing);
  const parts = sheets.flatMap((sheet, index) => {
    const repeated = sheets[index - 1]?.question === sheet.question;
    const title = repeated
      ? []
      : [...wrapped(`${sheet.question.name}: ${sheet.question.asks}`, page.columns).map(bold), ''];
    return [...title, dim(caption(sheet)), ...table(sheet, page), ...sheet.notes.map((note) => yellow(note)), ''];
  });
  const facts = [
    `${machine.system}, Linux ${machine.kernel.release}, ${machine.cpu.count} × ${machine.cpu.model}`,
    ...(machine.load[0] > machine.cpu.count / 2
      ? ['The machine was busy: only ratios and minimums mean something.']
      : []),
    ...(sheets.some(({ rows }) => rows.some((row) => row[5]?.endsWith('=')))
      ? [`= means that no difference to ${reference} can be claimed.`]
      : []),
    ...(harness.length === 0 ? [] : [`The measuring itself: ${harness.map(cost).join('; ')}.`]),
  ];
  return [
    ...parts,
    ...[...missingQuestions(weighing), ...missingBackends(weighing)].map((line) => yellow(line)),
    ...sentences(weighing).flatMap((sentence) => ['', ...wrapped(sentence, page.columns)]),
    '',
    ...facts.flatMap((line) => wrapped(line, page.columns)).map(dim),
    dim(`${outcome}, ${duration(seconds)}`),
    '',
  ].join('\n');
}

const caption = ({ variant, measure }: Sheet): string => `${variant.title}: ${measure.title}, ${measure.unit}`;

const cost = ({ title, unit, summary }: Weighing['harness'][number]): string =>
  `${title} ${figure(summary.median)} ${unit}`;

/** As many columns as the page is wide; the first ones always. */
function table({ head, rows }: Sheet, { columns, color }: Page): string[] {
  const { dim } = pc.createColors(color);
  const lines = [head, ...rows];
  const empty = (column: number) => rows.every((row) => (row[column] ?? '') === '');
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  let width = 0;
  const shown = widths.flatMap((own, column) => {
    if (empty(column)) return [];
    width += own + 2;
    return column < fixedColumns || width - 2 <= columns ? [column] : [];
  });
  const draw = (line: readonly string[]) =>
    shown
      .map((column) => {
        const text = line[column] ?? '';
        return column === 0 || column === 5 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd();
  return [dim(draw(head)), ...rows.map(draw)];
}

export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
