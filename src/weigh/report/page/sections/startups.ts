/** The two start-ups: a container's waterfall of system calls beside the phases of a virtual machine. */
import type { Family, Timeline, Weighing } from '../../../types/result.ts';
import { figure as digits } from '../../figures.ts';
import { endOf, oneAxis, shownOf, type Start, waterfall } from '../charts/waterfall.ts';
import { absence } from '../contrast.ts';
import { type Draw, drawing, familyKeys, figure } from '../figures.ts';
import { html, type Markup, type Part } from '../markup.ts';
import { readable } from '../readable.ts';
import { table } from '../tables.ts';

/** Of whom a start-up is wanted, and how each is called where there is none. */
const wanted: readonly { readonly families: readonly Family[]; readonly family: Family; readonly name: string }[] = [
  { families: ['container', 'daemon'], family: 'container', name: 'A container' },
  { families: ['vm'], family: 'vm', name: 'A virtual machine' },
];

export async function startupSection(weighing: Weighing, draw: Draw): Promise<Markup> {
  const starts = weighing.timelines.flatMap((timeline) => startOf(weighing, timeline));
  const missing = wanted
    .filter(({ families }) => !starts.some(({ family }) => families.includes(family)))
    .map(({ family, name }) => html`<li>${name}: not measured: ${whyNot(weighing, family)}.</li>`);
  return html`<section id="startups" aria-labelledby="startups-title">
    <h2 id="startups-title">Where does a start’s time go?</h2>
    <p>
      One start of each, followed step by step, from the request on. One start is no statistic: the distributions below
      say how much such starts vary.
    </p>
    ${
      missing.length === 0
        ? ''
        : html`<ul class="notes">
            ${missing}
          </ul>`
    }
    ${await axisPart(starts, draw)}${await pairPart(twoOf(starts), draw)}${starts.map(spansTable)}
  </section> `;
}

interface Followed extends Start {
  /** Its kernel has started before. */
  readonly resumed: boolean;
}

const startOf = ({ backends }: Weighing, { backend, spans }: Timeline): Followed[] =>
  backends
    .filter(({ name }) => name === backend && spans.length > 0)
    .map(({ title, family, traits }) => ({ name: title, family, spans, resumed: traits.resumed === true }));

/** A container beside a machine that boots: step by step, more are not compared but lost sight of. */
function twoOf(starts: readonly Followed[]): readonly Start[] {
  const container = starts.find(({ family }) => family !== 'vm');
  const machines = starts.filter(({ family }) => family === 'vm');
  const machine = machines.find(({ resumed }) => !resumed) ?? machines[0];
  return [container, machine].filter((one) => one !== undefined);
}

function whyNot(weighing: Weighing, family: Family): string {
  const failed = weighing.timelines.flatMap(({ backend, failure }) => {
    const entry = weighing.backends.find(({ name }) => name === backend);
    return failure === undefined || entry?.family !== family ? [] : [`${entry.title}: ${failure}`];
  });
  if (failed.length > 0) return failed.join('; ');
  const measured = weighing.questions.some(({ series }) =>
    series.some(({ backend }) => weighing.backends.some((one) => one.name === backend && one.family === family)),
  );
  return measured ? 'this weighing followed no start of it' : absence(weighing, family);
}

async function axisPart(starts: readonly Start[], draw: Draw): Promise<Part> {
  if (starts.length < 2) return '';
  const sorted = starts.toSorted((a, b) => endOf(a) - endOf(b));
  const [short, long] = [sorted[0], sorted.at(-1)];
  if (short === undefined || long === undefined) return '';
  const share = (100 * endOf(short)) / endOf(long);
  const caption = html`<strong>On one axis of time.</strong> ${short.name} is over after
    ${readable(endOf(short), 'ms')}: ${digits(share)} % of the width that ${long.name} needs. Neighbouring phases differ
    in their shade; a phase too short for its name is in the table.`;
  return figure(oneAxis(sorted), caption, draw, familyKeys(starts.map(({ family }) => family)));
}

async function pairPart(starts: readonly Start[], draw: Draw): Promise<Part> {
  if (starts.length === 0) return '';
  const panels = await Promise.all(
    starts.map(
      async (start) =>
        html`<div>
          <h4>${start.name}: ${readable(endOf(start), 'ms')}</h4>
          ${await drawing(waterfall(start, starts.length > 1), draw)}
        </div>`,
    ),
  );
  const hidden = starts.flatMap(({ name, spans }) => {
    const count = spans.length - shownOf(spans).length;
    return count === 0 ? [] : [`${name}: ${count} shorter steps are in the table only`];
  });
  const differs = starts.length > 1 ? ' The axes differ, each as long as its own start.' : '';
  const clock = starts.some(({ spans }) => spans.some(({ name }) => name === 'firmware'))
    ? ' “firmware” lasts until the kernel’s own clock runs, which is the first moment that a guest can tell of.'
    : '';
  return html`<figure>
    <div class="${starts.length > 1 ? 'pair' : 'alone'}">${panels}</div>
    <figcaption>
      <strong>Step by step.</strong> Each bar begins when its step does; steps of a phase are paler and
      indented.${differs}${clock} ${hidden.length === 0 ? '' : `${hidden.join('; ')}.`}
    </figcaption>
  </figure> `;
}

function spansTable({ name, spans }: Start): Markup {
  const rows = spans.map(({ name: step, begin, end, depth }) => [
    depth === 0 ? step : html`<span class="step">${'\u2003'.repeat(depth)}${step}</span>`,
    digits(begin),
    digits(end - begin),
  ]);
  const content = table(
    `${name}: every step, ms since the request`,
    [{ title: 'step' }, { title: 'begins' }, { title: 'lasts' }],
    rows,
  );
  return spans.length <= 12
    ? content
    : html`<details>
        <summary>Every step of ${name} (${spans.length})</summary>
        ${content}
      </details>`;
}
