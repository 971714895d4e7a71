/** Starts as spans of time: side by side on one axis, and each step by step on its own. */
import type { Family, Span } from '../../../types/result.ts';
import { linearAxis, placeOn } from '../axis.ts';
import {
  type Chart,
  config,
  familyScale,
  fixed,
  type Frame,
  horizontal,
  rowLabels,
  paleInk,
  type Spec,
  widths,
} from '../chart.ts';
import { readable } from '../readable.ts';

export interface Start {
  readonly name: string;
  readonly family: Family;
  readonly spans: readonly Span[];
}

/** More rows than fit on a page are read by nobody; the table has them all. */
const mostRows = 24;

const letter = 6.6;

export const endOf = ({ spans }: Start): number => Math.max(0, ...spans.map(({ end }) => end));
const lasts = ({ begin, end }: Span): number => end - begin;

export function oneAxis(starts: readonly Start[]): Chart {
  const said = starts.map((start) => `${start.name}, ${readable(endOf(start), 'ms')}`);
  return {
    description: `Starts on one axis of time, phase by phase: ${said.join('; ')}.`,
    spec: (frame) => besides(starts, frame),
  };
}

const together = {
  wide: { left: 168, right: 84, top: 8, bottom: 30, step: 58 },
  narrow: { left: 4, right: 10, top: 16, bottom: 30, step: 72 },
} as const;

function besides(starts: readonly Start[], frame: Frame): Spec {
  const layout = together[frame];
  const size = fixed({ ...layout, width: widths[frame] });
  const axis = linearAxis(Math.max(...starts.map(endOf)), 'ms');
  const rows = starts.map((start) => ({ name: start.name, said: readable(endOf(start), 'ms') }));
  const phases = starts.flatMap(({ name, family, spans }) =>
    spans
      .filter(({ depth }) => depth === 0)
      .map((span, index) => {
        const room = (placeOn(axis, span.end) - placeOn(axis, span.begin)) * size.width;
        const fits = room > span.name.length * letter;
        return { name, family, begin: span.begin, end: span.end, odd: index % 2, label: fits ? span.name : '' };
      }),
  );
  const down = frame === 'narrow' ? 14 : 8;
  const above = frame === 'narrow' ? -layout.step / 2 + 8 : down;
  return {
    ...size,
    height: { step: layout.step },
    config,
    data: { values: phases },
    encoding: { y: { field: 'name', type: 'nominal', axis: null, scale: { domain: starts.map(({ name }) => name) } } },
    layer: [
      {
        mark: { type: 'bar', height: 18, yOffset: down },
        encoding: {
          x: { field: 'begin', ...horizontal(axis, size.width) },
          x2: { field: 'end' },
          color: { field: 'family', type: 'nominal', legend: null, scale: familyScale },
          opacity: { field: 'odd', type: 'quantitative', legend: null, scale: { domain: [0, 1], range: [1, 0.55] } },
        },
      },
      {
        mark: { type: 'text', align: 'left', dy: down - 17, fontSize: 12, color: paleInk },
        encoding: { x: { field: 'begin', ...horizontal(axis, size.width) }, text: { field: 'label' } },
      },
      ...rowLabels(rows, frame, size.width, above),
    ],
  } as Spec;
}

const alone = { left: 4, right: 10, top: 4, bottom: 30, step: 31 } as const;

/** Of one start, on an axis of its own: in half of a page, or all of it. */
export function waterfall(start: Start, half: boolean): Chart {
  const rows = shownOf(start.spans);
  const said = rows.map((span) => `${span.name}, ${readable(lasts(span), 'ms')}`);
  return {
    description: `${start.name} step by step, ${readable(endOf(start), 'ms')} in all: ${said.join('; ')}.`,
    spec: (frame) => steps(start, rows, frame === 'wide' && half ? 420 : widths[frame]),
  };
}

/** All phases, and the longest of their steps, as they come. */
export function shownOf(spans: readonly Span[]): Span[] {
  const phases = spans.filter(({ depth }) => depth === 0).length;
  const longest = spans
    .filter(({ depth }) => depth > 0)
    .toSorted((a, b) => lasts(b) - lasts(a))
    .slice(0, Math.max(0, mostRows - phases));
  const kept = new Set(longest);
  return spans.filter((span) => span.depth === 0 || kept.has(span));
}

function steps(start: Start, spans: readonly Span[], width: number): Spec {
  const size = fixed({ ...alone, width });
  const axis = linearAxis(endOf(start), 'ms');
  const rows = spans.map((span, index) => {
    const { name, begin, end, depth } = span;
    const said = `${depth === 0 ? '' : '\u2002'}${name}`;
    const place = placeOn(axis, begin) * size.width;
    const needs = (said.length + 10) * letter;
    const fits = place + needs < size.width;
    const label = `${said}  ${readable(lasts(span), 'ms')}`;
    return { row: index, begin, end, depth, family: start.family, before: fits ? label : '', after: fits ? '' : label };
  });
  const color = { field: 'family', type: 'nominal', legend: null, scale: familyScale };
  const x = { field: 'begin', ...horizontal(axis, size.width) };
  return {
    ...size,
    height: { step: alone.step },
    config,
    data: { values: rows },
    encoding: { y: { field: 'row', type: 'ordinal', axis: null } },
    layer: [
      {
        mark: { type: 'bar', height: 9, yOffset: 7, minBandSize: 2 },
        encoding: {
          x,
          x2: { field: 'end' },
          color,
          opacity: {
            field: 'depth',
            type: 'quantitative',
            legend: null,
            scale: { domain: [0, 1], range: [1, 0.6], clamp: true },
          },
        },
      },
      // A step that takes next to nothing is still a step.
      { mark: { type: 'tick', size: 9, thickness: 1.5, yOffset: 7 }, encoding: { x, color } },
      { mark: { type: 'text', align: 'left', dy: -6, fontSize: 12 }, encoding: { x, text: { field: 'before' } } },
      {
        mark: { type: 'text', align: 'right', dy: -6, fontSize: 12 },
        encoding: { x: { value: size.width }, text: { field: 'after' } },
      },
    ],
  } as Spec;
}
