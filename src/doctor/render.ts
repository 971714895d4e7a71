/** Findings as a page of text. Pure. */
import pc from 'picocolors';
import { canRun, type Diagnosis, type Group, groups } from './diagnosis.ts';

export interface RenderOptions {
  /** Width of the page in characters. */
  readonly columns: number;
  readonly color: boolean;
}

const marks = { yes: '✓', no: '✗', info: '–' } as const;

/** Names longer than this stand alone on their line. */
const widestName = 22;

export function renderDiagnosis(diagnoses: readonly Diagnosis[], options: RenderOptions): string {
  const paint = pc.createColors(options.color);
  const width = Math.min(widestName, Math.max(0, ...diagnoses.map(({ name }) => name.length)));
  const page = { columns: options.columns, paint, width };
  const parts = groups.flatMap((group) =>
    renderGroup(
      group,
      diagnoses.filter((one) => one.group === group),
      page,
    ),
  );
  return `${[...parts, conclusion(diagnoses, page)].join('\n')}\n`;
}

interface Page {
  readonly columns: number;
  readonly paint: ReturnType<typeof pc.createColors>;
  /** Of the column of names. */
  readonly width: number;
}

function renderGroup(group: Group, diagnoses: readonly Diagnosis[], page: Page): string[] {
  if (diagnoses.length === 0) return [];
  const lines = diagnoses.flatMap((one, index) => renderOne(one, diagnoses[index + 1], page));
  return [page.paint.bold(group), ...lines, ''];
}

/** Neighbours with the same cure share its line. */
function renderOne(one: Diagnosis, next: Diagnosis | undefined, page: Page): string[] {
  const { paint, width } = page;
  const { name, verdict, fact, lost, cure } = one;
  const mark = { yes: paint.green, no: paint.red, info: paint.dim }[verdict](marks[verdict]);
  const text = verdict === 'info' ? paint.dim : (plain: string): string => plain;
  const shared = next?.verdict === 'no' && next.cure === cure;
  return [
    ...hang(`  ${mark} `, 4, name.padEnd(width), width + 2, fact, page, text),
    ...(lost === undefined ? [] : labelled('lost', lost, page)),
    ...(cure === undefined || shared ? [] : labelled('cure', cure, page)),
  ];
}

const labelled = (label: string, body: string, page: Page): string[] =>
  hang('      ', 6, page.paint.dim(`${label}:`), label.length + 2, body, page, (plain) => plain, label.length + 1);

/** A label and behind it the body, wrapped in a column of its own. */
function hang(
  lead: string,
  leadWidth: number,
  label: string,
  labelWidth: number,
  body: string,
  { columns }: Page,
  paint: (plain: string) => string,
  shown = label.length,
): string[] {
  const indent = leadWidth + labelWidth;
  const [first = '', ...rest] = wrap(body, Math.max(20, columns - indent));
  const gap = ' '.repeat(Math.max(1, labelWidth - shown));
  return [`${lead}${label}${gap}${paint(first)}`, ...rest.map((line) => ' '.repeat(indent) + paint(line))];
}

/** Breaks at blanks; a word that is longer than a line gets one of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width && line !== '') {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

function conclusion(diagnoses: readonly Diagnosis[], { columns, paint }: Page): string {
  const bad = diagnoses.filter(({ verdict }) => verdict === 'no');
  const names = bad.filter(({ vital }) => vital).map(({ name }) => name);
  const count = bad.length === 0 ? 'nothing' : bad.length === 1 ? '1 feature' : `${bad.length} features`;
  const text =
    names.length === 0
      ? `Containers run here, with ${count} missing.`
      : `Containers do not run here: see ${names.join(', ')}.`;
  return wrap(text, columns)
    .map(canRun(diagnoses) ? paint.green : paint.red)
    .join('\n');
}
