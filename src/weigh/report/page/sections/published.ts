/** Published figures beside ours: always with what each of them counts, where it was measured and how we know. */
import type { Anchor, Publication } from '../../../types/publication.ts';
import type { QuestionName } from '../../../types/question.ts';
import type { Weighing } from '../../../types/result.ts';
import { oursOf, valueOf } from '../../suite.ts';
import { beside, type Point } from '../charts/beside.ts';
import { fieldOf } from '../contrast.ts';
import { type Draw, familyKeys, figure } from '../figures.ts';
import { html, type Markup, type Part } from '../markup.ts';
import { table } from '../tables.ts';

export async function publishedSection(
  weighing: Weighing,
  publications: readonly Publication[],
  draw: Draw,
): Promise<Markup> {
  const names = weighing.questions.map(({ name }) => name);
  const { suite } = weighing.settings;
  const ordered = publications.toSorted((one, other) => Number(other.name === suite) - Number(one.name === suite));
  const shown = ordered.map((publication) => ({
    publication,
    anchors: publication.anchors.filter(({ question }) => names.includes(question)),
  }));
  const charts = await Promise.all(names.map((name) => chartOf(weighing, name, publications, draw)));
  return html`<section id="published" aria-labelledby="published-title">
    <h2 id="published-title">What have others published?</h2>
    <p>
      Numbers of other people, from other machines, mostly of something else than ours. They say whether our own are of
      the right size; they do not say who is faster.
    </p>
    ${charts}
    ${shown.filter(({ anchors }) => anchors.length > 0).map(({ publication, anchors }) => publicationPart(weighing, publication, anchors))}
    ${leftOut(shown.filter(({ anchors }) => anchors.length === 0).map(({ publication }) => publication))}
  </section> `;
}

async function chartOf(
  weighing: Weighing,
  name: QuestionName,
  publications: readonly Publication[],
  draw: Draw,
): Promise<Part> {
  const field = fieldOf(weighing, name);
  if (field === undefined || field.standings.length === 0) return '';
  const { measure } = field;
  const theirs = publications.flatMap(({ name: source, anchors }) =>
    anchors.flatMap(({ question, subject, family, value, unit }): Point[] =>
      question === name && unit === measure.unit ? [{ name: `${source}: ${subject}`, family, value, ours: false }] : [],
    ),
  );
  if (theirs.length === 0) return '';
  const ours = field.standings.map(({ backend: { title, family }, summary: { median } }): Point => ({
    name: title,
    family,
    value: median,
    ours: true,
  }));
  const points = [...ours, ...theirs];
  const caption = html`<strong>${capital(field.question.name)}, published and ours.</strong> Full dots are ours, here
    and now: medians of ${measure.title}. Hollow dots are published, each by its own definition and from its own
    machine, as told below under the name before the colon. No race: a difference between a full and a hollow dot may be
    one of definition or machine alone.`;
  return figure(beside(points, measure.unit), caption, draw, familyKeys(points.map(({ family }) => family)));
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const source = ({ title, by, url }: Publication): Markup => html`<a href="${url}">${title}</a>. ${by}`;

function leftOut(publications: readonly Publication[]): Part {
  if (publications.length === 0) return '';
  const items = publications.map(
    (publication) =>
      html`<li>
        ${source(publication)}.
        ${publication.anchors.length === 0 ? publication.checked : 'What it measured was not asked in this weighing.'}
      </li>`,
  );
  return html`<h3>Not shown</h3>
    <ul class="small sources">
      ${items}
    </ul>`;
}

function publicationPart(weighing: Weighing, publication: Publication, anchors: readonly Anchor[]): Markup {
  const groups = [...groupsOf(anchors)];
  return html`<h3 id="published-${publication.name}">${publication.name}: ${publication.title}</h3>
    <p class="small sources">
      ${source(publication)}. Their machine: ${publication.machine}. How we know: ${publication.checked}
    </p>
    ${groups.map(([first, group]) => groupPart(weighing, publication, first, group))}`;
}

/** Those that count the same stand in one table, and what they count is said once. */
function groupsOf(anchors: readonly Anchor[]): Map<Anchor, Anchor[]> {
  const groups = new Map<Anchor, Anchor[]>();
  for (const anchor of anchors) {
    const first = [...groups.keys()].find(
      ({ definition, differs, family }) =>
        definition === anchor.definition && differs === anchor.differs && family === anchor.family,
    );
    groups.set(first ?? anchor, [...(first === undefined ? [] : (groups.get(first) ?? [])), anchor]);
  }
  return groups;
}

function groupPart(weighing: Weighing, publication: Publication, first: Anchor, group: readonly Anchor[]): Markup {
  const rows = group.map((anchor) => [
    anchor.subject,
    html`<strong>${valueOf(anchor)}</strong>`,
    anchor.statistic,
    anchor.place,
  ]);
  const columns = [
    { title: 'what' },
    { title: 'published' },
    { title: 'which is', kind: 'text' },
    { title: 'where', kind: 'text' },
  ] as const;
  return html`${table(`${publication.name}, ${first.question}`, columns, rows)}
    <dl class="facts small">
      <dt>theirs counts</dt>
      <dd>${first.definition}</dd>
      <dt>why ours differs</dt>
      <dd>${first.differs}</dd>
      <dt>ours, nearest</dt>
      <dd>${oursOf(weighing, first)}</dd>
    </dl>`;
}
