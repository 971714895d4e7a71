/** A question: what was asked and how, a chart for each variant, its tables and its raw samples. */
import { axisOver } from '../axis.ts';
import { curves } from '../charts/curve.ts';
import { distribution, type Lane } from '../charts/distribution.ts';
import { type Bar, partColours, stack } from '../charts/stack.ts';
import { samplesLink } from '../downloads.ts';
import { type Draw, familyKeys, figure, keys } from '../figures.ts';
import { html, type Markup, type Part } from '../markup.ts';
import { waysOf } from '../../rows.ts';
import { otherMeasures, samplesTable, scaleTable, summaryTable } from './question-tables.ts';
import type { Measure, Variant } from '../../../types/question.ts';
import type { BackendEntry, QuestionEntry, Series, Weighing } from '../../../types/result.ts';

export async function questionSection(weighing: Weighing, question: QuestionEntry, draw: Draw): Promise<Markup> {
  const [measure] = question.measures;
  if (measure === undefined) return html``;
  const asked = { weighing, question, measure, draw };
  const scale = await scalePart(asked);
  const variants = await Promise.all(question.variants.map((variant) => variantPart(asked, variant)));
  return html`<section id="${question.name}" aria-labelledby="${question.name}-title">
    <h2 id="${question.name}-title">${capital(question.asks)}</h2>
    <p>${question.method}</p>
    <dl class="facts small">
      ${question.measures.map(
        ({ title, definition }) =>
          html`<dt>${title}</dt>
            <dd>${definition}</dd>`,
      )}
    </dl>
    ${scale}${
      scale === undefined
        ? variants
        : html`<details>
            <summary>Each of them: distributions, tables and samples</summary>
            ${variants}
          </details>`
    }
    <p class="small screen">Raw data: ${samplesLink(question)}.</p>
  </section> `;
}

interface Asked {
  readonly weighing: Weighing;
  readonly question: QuestionEntry;
  readonly measure: Measure;
  readonly draw: Draw;
}

async function variantPart(asked: Asked, variant: Variant): Promise<Part> {
  const { weighing, question, measure } = asked;
  const series = question.series.filter((one) => one.variant === variant.name);
  const lanes = lanesOf(weighing, series, measure);
  if (lanes.length === 0)
    return html`<h3>${capital(variant.title)}</h3>
      ${notes(asked, variant)}`;
  const charts = [...(await stackPart(asked, variant)), ...(await distributionParts(asked, variant, series))];
  return html`<h3>${capital(variant.title)}</h3>
    ${charts} ${summaryTable(asked, variant, series)} ${notes(asked, variant)} ${otherMeasures(asked, variant, series)}
    ${samplesTable(asked, variant, series)}`;
}

/** Where all measures are of one kind, such as the system calls, none of them is the answer, and each has its chart. */
async function distributionParts(asked: Asked, variant: Variant, series: readonly Series[]): Promise<Markup[]> {
  const { weighing, question, measure } = asked;
  const alike = question.measures.every(({ unit, partOf }) => unit === measure.unit && partOf === undefined);
  const drawn = alike ? question.measures : [measure];
  const parts = drawn.map((one) => ({ asked: { ...asked, measure: one }, lanes: lanesOf(weighing, series, one) }));
  return Promise.all(
    parts
      .filter(({ lanes }) => lanes.length > 0)
      .map(async ({ asked: own, lanes }, index) => distributionPart(own, variant, lanes, index === 0)),
  );
}

async function distributionPart(
  asked: Asked,
  variant: Variant,
  lanes: readonly Lane[],
  first: boolean,
): Promise<Markup> {
  const { weighing, question, measure, draw } = asked;
  const whole = lanesOf(weighing, question.series, measure).flatMap(({ summary: { min, max } }) => [min, max]);
  const axis = axisOver(whole, measure.unit);
  const flagged = lanes.reduce((sum, { summary }) => sum + summary.outliers.length, 0);
  const outliers =
    flagged === 0
      ? 'No sample is flagged as an outlier.'
      : `${flagged} ${flagged === 1 ? 'sample is' : 'samples are'} flagged as ${flagged === 1 ? 'an outlier' : 'outliers'} (◇); none is dropped.`;
  const legend =
    variant === question.variants[0] && first
      ? `Each dot is a sample; the upright line is the median, the grey bar behind it where 95 % of resampled medians lie, the thin line p5 to p95. ${axis.kind === 'log' ? 'The axis is logarithmic: each step to the right is that many times as much. ' : ''}${measure.better === 'lower' ? 'Less is better.' : 'More is better.'}`
      : first
        ? 'On the same axis as above.'
        : 'Read as above.';
  const caption = html`<strong>${capital(measure.title)}, ${variant.title}.</strong> ${legend} ${outliers}`;
  return figure(distribution(lanes, measure, axis), caption, draw, familyKeys(lanes.map(({ family }) => family)));
}

const lanesOf = ({ backends }: Weighing, series: readonly Series[], { name: measure }: Measure): Lane[] =>
  backends.flatMap(({ name, title, family }) =>
    series
      .filter(({ backend }) => backend === name)
      .flatMap(({ values, summaries }): Lane[] => {
        const [own, summary] = [values[measure], summaries[measure]];
        return own === undefined || summary === undefined ? [] : [{ name: title, family, values: own, summary }];
      }),
  );

/** Where variants are points on a scale, a line through them says more than their distributions. */
async function scalePart(asked: Asked): Promise<Markup | undefined> {
  const { weighing, question, measure, draw } = asked;
  const places = question.variants.flatMap(({ name, at }) => (at === undefined ? [] : [{ name, at }]));
  if (places.length < 2) return undefined;
  const all = weighing.backends.map(({ name, title, family }) => ({
    name: title,
    family,
    points: places.flatMap(({ name: variant, at }) => {
      const summary = question.series.find((one) => one.backend === name && one.variant === variant)?.summaries[
        measure.name
      ];
      return summary === undefined ? [] : [{ at, median: summary.median, low: summary.low, high: summary.high }];
    }),
  }));
  const drawn = all.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return undefined;
  const caption = html`<strong>${capital(measure.title)}, ${scaleName(question)}.</strong> Medians, with the interval in
    which 95 % of resampled medians lie. Both axes are logarithmic.
    ${measure.better === 'lower' ? 'Less is better.' : 'More is better.'}`;
  const chart = await figure(
    curves(drawn, measure, scaleName(question)),
    caption,
    draw,
    familyKeys(drawn.map(({ family }) => family)),
  );
  return html`${chart}${scaleTable(asked)}`;
}

/** `at once`, of `50 at once`. */
function scaleName({ variants }: QuestionEntry): string {
  const names = variants.flatMap(({ title, at }) => (at === undefined ? [] : [title.replace(`${at}`, '').trim()]));
  return new Set(names).size === 1 ? `by how many ${names[0] ?? ''}` : 'by variant';
}

/** How many times as much lets a bar be nothing but an edge beside another. */
const dwarfs = 8;

async function stackPart({ weighing, question, measure, draw }: Asked, variant: Variant): Promise<Markup[]> {
  const parts = question.measures.filter(({ partOf }) => partOf === measure.name);
  if (parts.length === 0) return [];
  const bars = barsOf(weighing.backends, question, variant, measure, parts);
  const most = Math.max(...bars.map(({ total }) => total));
  const small = bars.filter(({ total }) => total * dwarfs < most);
  const large = bars.filter(({ total }) => total * dwarfs >= most);
  const titles = parts.map(({ title }) => title);
  const legend = keys(titles.map((name, index) => ({ name, colour: partColours[index % partColours.length] ?? '' })));
  const what = html`<strong>${capital(measure.title)}, by what holds it.</strong> Medians, on a linear axis from 0; grey
    is what no part accounts for.`;
  const all = await figure(stack(bars, titles, measure.unit), what, draw, legend);
  if (small.length === 0 || large.length === 0) return [all];
  const nearer = html`<strong>The same, ${small.length === 1 ? 'the small one alone' : 'the small ones alone'}:</strong>
    without ${large.map(({ name }) => name).join(', ')}, on an axis of its own.`;
  return [all, await figure(stack(small, titles, measure.unit), nearer, draw)];
}

const barsOf = (
  backends: readonly BackendEntry[],
  question: QuestionEntry,
  variant: Variant,
  measure: Measure,
  parts: readonly Measure[],
): Bar[] =>
  backends.flatMap(({ name, title }) => {
    const one = question.series.find((series) => series.backend === name && series.variant === variant.name);
    const total = one?.summaries[measure.name]?.median;
    if (one === undefined || total === undefined) return [];
    return [
      {
        name: title,
        total,
        parts: parts.map((part) => ({ title: part.title, value: one.summaries[part.name]?.median ?? 0 })),
      },
    ];
  });

function notes({ weighing, question }: Asked, variant: Variant): Part {
  const titles = new Map(weighing.backends.map(({ name, title }) => [name, title]));
  const early = question.series.flatMap(({ backend, variant: own, failure }) =>
    own === variant.name && failure !== undefined
      ? [html`<li>${titles.get(backend)} ended early: <code>${failure}</code></li>`]
      : [],
  );
  const missing = question.missing
    .filter(({ variant: own }) => own === undefined || own === variant.name)
    .map(
      ({ backend, reason, cure }) =>
        html`<li>
          ${titles.get(backend) ?? backend}: not measured:
          ${reason}${cure === undefined ? '' : html` (<code>${cure}</code>)`}
        </li>`,
    );
  const own = question.series.filter((one) => one.variant === variant.name);
  const through = waysOf(own, (backend) => titles.get(backend) ?? backend).map((line) => html`<li>${line}</li>`);
  return early.length + missing.length + through.length === 0
    ? ''
    : html`<ul class="notes">
        ${through}${early}${missing}
      </ul>`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
