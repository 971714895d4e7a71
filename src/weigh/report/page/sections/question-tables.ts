import type { Measure, Variant } from '../../../types/question.ts';
import type { QuestionEntry, Series, Weighing } from '../../../types/result.ts';
import { figure, range } from '../../figures.ts';
import { html, type Part } from '../markup.ts';
import { table } from '../tables.ts';

interface Asked {
  readonly weighing: Weighing;
  readonly question: QuestionEntry;
  readonly measure: Measure;
}

const titleOf = ({ backends }: Weighing, name: string): string =>
  backends.find((one) => one.name === name)?.title ?? name;

export function summaryTable(
  { weighing, question, measure }: Asked,
  variant: Variant,
  series: readonly Series[],
): Part {
  const rows = series.flatMap((one) => {
    const summary = one.summaries[measure.name];
    if (summary === undefined) return [];
    const { count, median, low, high, p5, p95, p99, min, max, outliers } = summary;
    const numbers = [range(p5, p95), figure(p99), range(min, max), outliers.length];
    const ratio = ratioCell(one, measure, weighing.reference);
    return [[titleOf(weighing, one.backend), count, besides(figure(median), range(low, high)), ...numbers, ratio]];
  });
  const titles = ['n', 'median, 95 %', 'p5–p95', 'p99', 'min–max', 'outliers'];
  const reference = titleOf(weighing, weighing.reference);
  return table(
    `${measure.title}, ${measure.unit}: ${question.name}, ${variant.title}`,
    [{ title: 'backend' }, ...titles.map((title) => ({ title })), { title: `to ${reference}, 95 %` }],
    rows,
  );
}

/** A number and, below it, where it lies. */
const besides = (number: Part, around: Part): Part => html`<strong>${number}</strong><small>${around}</small>`;

function ratioCell({ backend, comparisons }: Series, { name }: Measure, reference: string): Part {
  const comparison = comparisons[name];
  if (comparison === undefined) return backend === reference ? html`<small>the reference</small>` : '–';
  const { ratio, low, high, verdict } = comparison;
  const around = verdict === 'same' ? html`${range(low, high)}<br />no difference claimed` : range(low, high);
  return besides(`× ${figure(ratio)}`, around);
}

/** Rows by backend, a column for each place on the scale. */
export function scaleTable({ weighing, question, measure }: Asked): Part {
  const places = question.variants.filter(({ at }) => at !== undefined);
  const rows = weighing.backends.flatMap(({ name, title }) => {
    const cells = places.map(({ name: variant }) => {
      const found = question.series.find((one) => one.backend === name && one.variant === variant);
      const summary = found?.summaries[measure.name];
      return summary === undefined ? undefined : besides(figure(summary.median), range(summary.low, summary.high));
    });
    return cells.every((cell) => cell === undefined) ? [] : [[title, ...cells.map((cell) => cell ?? 'not measured')]];
  });
  const titles = places.map(({ title }) => ({ title }));
  return table(`${measure.title}, ${measure.unit}: medians, 95 %`, [{ title: 'backend' }, ...titles], rows);
}

export function otherMeasures(
  { weighing, question, measure }: Asked,
  variant: Variant,
  series: readonly Series[],
): Part {
  const others = question.measures.filter(
    ({ name }) => name !== measure.name && series.some(({ summaries }) => summaries[name] !== undefined),
  );
  if (others.length === 0) return '';
  const rows = series.map((one) => [
    titleOf(weighing, one.backend),
    ...others.map(({ name }) => {
      const summary = one.summaries[name];
      return summary === undefined ? 'cannot tell' : figure(summary.median);
    }),
  ]);
  return table(
    `Medians of the other measures: ${question.name}, ${variant.title}`,
    [{ title: 'backend' }, ...others.map(({ title, unit }) => ({ title: `${title}, ${unit}` }))],
    rows,
  );
}

/** As they were taken, round by round; the flagged ones marked. */
export function samplesTable(
  { weighing, question, measure }: Asked,
  variant: Variant,
  series: readonly Series[],
): Part {
  const rows = series.flatMap(({ backend, values, summaries }) => {
    const [own, summary] = [values[measure.name], summaries[measure.name]];
    if (own === undefined || summary === undefined) return [];
    const flagged = new Set(summary.outliers);
    const cells = own.map((value, index) =>
      flagged.has(index) ? html`<mark>${figure(value)}</mark> ` : `${figure(value)} `,
    );
    return [[titleOf(weighing, backend), cells]];
  });
  const count = series.reduce((sum, { rounds }) => sum + rounds.length, 0);
  const caption = `${measure.title}, ${measure.unit}, round by round: ${question.name}, ${variant.title}; outliers marked`;
  return html`<details class="screen">
    <summary>Every sample (${count})</summary>
    ${table(caption, [{ title: 'backend' }, { title: 'samples', kind: 'long' }], rows, 'samples')}
  </details> `;
}
