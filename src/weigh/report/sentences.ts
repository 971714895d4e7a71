/** What the numbers mean, for who reads nothing else. */
import type { Weighing } from '../types/result.ts';
import { figure } from './figures.ts';
import { findingsOf } from './page/findings.ts';

/** A paragraph each: what is seen, and why. What could not be compared is told with what is missing. */
export function sentences(weighing: Weighing): string[] {
  const found = findingsOf(weighing).filter(({ figure }) => figure !== '–');
  if (found.length === 0) return ratios(weighing);
  return found.map(({ title, figure, claim, because }) => [said(title, figure, claim), ...because].join(' '));
}

/** A figure that begins with a word goes on from the title, one that begins with a sign does not. */
function said(title: string, figure: string, claim: string): string {
  if (figure === '=') return `${title}: ${claim}`;
  return /^(about )?\d/.test(figure) ? `${title} ${figure} ${claim}` : `${title}: ${figure} ${claim}`;
}

function ratios({ questions, backends, reference }: Weighing): string[] {
  const titles = new Map(backends.map(({ name, title }) => [name, title]));
  const start = questions.find(({ name }) => name === 'start');
  const warm = start?.series.filter(({ variant }) => variant === 'warm') ?? [];
  const base = warm.find(({ backend }) => backend === reference)?.summaries.gone;
  if (base === undefined) return [];
  const others = warm
    .flatMap(({ backend, comparisons: { gone } }) => (gone === undefined ? [] : [{ backend, ratio: gone.ratio }]))
    .toSorted((a, b) => a.ratio - b.ratio)
    .map(({ backend, ratio }) => `${titles.get(backend) ?? backend} × ${figure(ratio)}`);
  const name = `${reference === 'process' ? 'a ' : ''}${titles.get(reference) ?? reference}`;
  const first = `From the request until nothing is left of it, ${name} takes ${figure(base.median)} ms`;
  return [others.length === 0 ? `${first}.` : `${first}; ${others.join(', ')}.`];
}
