/** A paper's table with ours beside it: for a terminal, and as Markdown. Pure. */
import pc from 'picocolors';
import type { Suite } from '../suites.ts';
import type { Anchor } from '../types/publication.ts';
import type { Weighing } from '../types/result.ts';
import { besideOf } from './beside.ts';
import { readable, times } from './page/readable.ts';
import { type Page, wrapped } from './terminal.ts';

export function suiteTerminal(weighing: Weighing, suite: Suite, { columns, color }: Page): string {
  const { bold, dim, yellow } = pc.createColors(color);
  const { title, by, machine, checked } = suite.publication;
  const differences = [...new Set(suite.publication.anchors.map(note))];
  const inset = (lead: string, text: string): string[] =>
    wrapped(text, columns - lead.length).map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line);
  return [
    '',
    ...wrapped(`${suite.name}: ${title}`, columns).map(bold),
    ...inset('', `${by}.`),
    ...inset('their machine  ', machine),
    ...inset('ours           ', machineOf(weighing)),
    ...inset('scaled         ', suite.scaled),
    ...inset('how we know    ', checked),
    '',
    ...suite.publication.anchors.flatMap((anchor) => [
      bold(`${anchor.subject} [${differences.indexOf(note(anchor)) + 1}]`),
      ...inset('  published  ', `${valueOf(anchor)} (${anchor.statistic})`),
      ...inset('  ours       ', oursOf(weighing, anchor)),
    ]),
    '',
    ...differences.flatMap((text, index) => inset(`[${index + 1}] `, text)).map(dim),
    ...missingOf(weighing, suite).map((line) => yellow(line)),
    '',
  ].join('\n');
}

export function suiteMarkdown(weighing: Weighing, suite: Suite): string {
  const { title, by, url, machine, checked, anchors } = suite.publication;
  const rows = anchors.map((anchor) =>
    [anchor.subject, valueOf(anchor), anchor.statistic, oursOf(weighing, anchor), note(anchor), anchor.place]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  );
  return [
    '',
    `## Beside ${suite.name}`,
    '',
    `[${title}](${url}). ${by}. Their machine: ${machine}. Ours: ${machineOf(weighing)}. ${suite.scaled} How we know: ${checked}`,
    '',
    '| what | published | which is | ours | why both differ | where |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    ...missingOf(weighing, suite).map((line) => `- ${line}`),
    '',
  ].join('\n');
}

const note = ({ definition, differs }: Anchor): string => `Theirs counts: ${definition} ${differs}`;

const machineOf = ({ machine }: Weighing): string =>
  `${machine.cpu.count} × ${machine.cpu.model}, Linux ${machine.kernel.release}, ${machine.system}`;

export const valueOf = ({ value, unit, to }: Anchor): string =>
  unit === 'times' ? `${times(value)}${to === undefined ? '' : ` of a ${to}’s`}` : readable(value, unit);

/** `not measured` where the weighing has none of its kind. */
export function oursOf(weighing: Weighing, anchor: Anchor): string {
  const beside = besideOf(weighing, anchor);
  if (beside === undefined || beside.ours.length === 0) return 'not measured';
  const { measure, ours } = beside;
  const said = ours.map(
    ({ backend, value }) =>
      `${backend.title} ${anchor.unit === 'times' ? times(value) : readable(value, measure.unit)}`,
  );
  return `${measure.title}: ${said.join('; ')}`;
}

const missingOf = ({ questions }: Weighing, suite: Suite): string[] =>
  suite.questions
    .filter((name) => !questions.some((question) => question.name === name))
    .map((name) => `${name}: not measured: this weighing did not ask it`);
