/** Raw data inside the page: links that need neither a network nor a script. */
import { Buffer } from 'node:buffer';
import type { QuestionEntry, Weighing } from '../../types/result.ts';
import { html, type Markup } from './markup.ts';

const link = (name: string, type: string, text: string, label: string): Markup =>
  html`<a download="${name}" href="data:${type};base64,${Buffer.from(text).toString('base64')}">${label}</a>`;

export const resultLink = (weighing: Weighing): Markup =>
  link('weighing.json', 'application/json', `${JSON.stringify(weighing)}\n`, 'the whole result, as JSON');

export const samplesLink = (question: QuestionEntry): Markup =>
  link(`${question.name}.csv`, 'text/csv', samplesOf(question), `all samples of “${question.name}”, as CSV`);

/** A line for each sample: RFC 4180. */
export function samplesOf({ measures, series }: QuestionEntry): string {
  const head = ['variant', 'backend', 'round', ...measures.map(({ name, unit }) => `${name} (${unit})`)];
  const rows = series.flatMap(({ variant, backend, rounds, values }) =>
    rounds.map((round, index) => [variant, backend, round, ...measures.map(({ name }) => values[name]?.[index] ?? '')]),
  );
  return [head, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}
