/** A chart with its caption: drawn twice, for wide pages and narrow ones. */
import type { Family } from '../../types/result.ts';
import { type Chart, familyColours, type Frame, type Spec } from './chart.ts';
import { html, type Markup, type Part, trusted } from './markup.ts';

export type Draw = (spec: Spec) => Promise<string>;

export async function figure(chart: Chart, caption: Part, draw: Draw, keys: Part = ''): Promise<Markup> {
  return html`<figure>
    ${keys}${await drawing(chart, draw)}
    <figcaption>${caption}</figcaption>
  </figure> `;
}

export async function drawing(chart: Chart, draw: Draw): Promise<Markup> {
  const [wide, narrow] = [await one(chart, 'wide', draw), await one(chart, 'narrow', draw)];
  return html`${wide}${narrow}`;
}

async function one(chart: Chart, frame: Frame, draw: Draw): Promise<Markup> {
  const svg = await draw(chart.spec(frame));
  const labelled = svg.replace(
    /<svg [^>]*?(viewBox="[^"]*")>/,
    (_, box: string) => `<svg role="img" ${box} ${label(chart)}>`,
  );
  return html`<div class="drawing ${frame}">${trusted(labelled)}</div>`;
}

const label = ({ description }: Chart): string => html`aria-label="${description}"`.text;

const familyNames: Readonly<Record<Family, string>> = {
  process: 'process',
  sandbox: 'sandbox',
  container: 'container',
  daemon: 'container, made by a service',
  vm: 'virtual machine',
};

/** Colours are said in words too: each lane has its name beside it. */
export function familyKeys(families: readonly Family[]): Markup {
  const present = (Object.keys(familyNames) as Family[]).filter((family) => families.includes(family));
  return keys(present.map((family) => ({ name: familyNames[family], colour: familyColours[family] })));
}

export function keys(entries: readonly { readonly name: string; readonly colour: string }[]): Markup {
  const swatch = (colour: string) =>
    html`<svg viewBox="0 0 14 14" aria-hidden="true"><rect width="14" height="14" rx="3" fill="${colour}" /></svg>`;
  return html`<ul class="keys">
    ${entries.map(({ name, colour }) => html`<li>${swatch(colour)}${name}</li>`)}
  </ul>`;
}
