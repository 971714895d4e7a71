/** Lengths that are made of parts: memory by what holds it. Linear and from 0, or the parts would lie. */
import type { Unit } from '../../../types/question.ts';
import { linearAxis } from '../axis.ts';
import { type Chart, config, fixed, type Frame, horizontal, rowLabels, type Spec, widths } from '../chart.ts';
import { readable } from '../readable.ts';

export interface Bar {
  readonly name: string;
  /** What is not covered by a part stays without colour. */
  readonly total: number;
  /** Parts by their title; one below 0, such as a remainder may be, has no length. */
  readonly parts: readonly { readonly title: string; readonly value: number }[];
}

const layouts = {
  wide: { left: 168, right: 90, top: 2, bottom: 30, step: 34, thick: 18 },
  narrow: { left: 4, right: 10, top: 2, bottom: 30, step: 48, thick: 14 },
} as const;

export const partColours = ['var(--part-1)', 'var(--part-2)', 'var(--part-3)', 'var(--part-4)', 'var(--part-5)'];

export function stack(bars: readonly Bar[], titles: readonly string[], unit: Unit): Chart {
  const said = bars.map(({ name, total }) => `${name} ${readable(total, unit)}`);
  return {
    description: `Bars that are made of ${titles.join(', ')}. In all: ${said.join('; ')}.`,
    spec: (frame) => spec(bars, titles, unit, frame),
  };
}

function spec(bars: readonly Bar[], titles: readonly string[], unit: Unit, frame: Frame): Spec {
  const layout = layouts[frame];
  const size = fixed({ ...layout, width: widths[frame] });
  const axis = linearAxis(Math.max(...bars.map(lengthOf)), unit);
  const above = frame === 'narrow' ? -10 : 0;
  const down = frame === 'narrow' ? 10 : 0;
  const range = titles.map((_, index) => partColours[index % partColours.length]);
  const rows = bars.map(({ name, total }) => ({
    name,
    total: Math.max(0, total),
    said: readable(total, unit),
    zero: 0,
  }));
  return {
    ...size,
    height: { step: layout.step },
    config,
    data: { values: rows },
    encoding: { y: { field: 'name', type: 'nominal', axis: null, scale: { domain: bars.map(({ name }) => name) } } },
    layer: [
      {
        mark: { type: 'bar', height: layout.thick, color: 'var(--line)', yOffset: down },
        encoding: { x: { field: 'zero', ...horizontal(axis, size.width) }, x2: { field: 'total' } },
      },
      {
        data: { values: bars.flatMap(pieces) },
        mark: { type: 'bar', height: layout.thick, yOffset: down },
        encoding: {
          x: { field: 'from', ...horizontal(axis, size.width) },
          x2: { field: 'to' },
          color: { field: 'title', type: 'nominal', legend: null, scale: { domain: [...titles], range } },
        },
      },
      ...rowLabels(rows, frame, size.width, above),
    ],
  } as Spec;
}

/** Medians of parts may add up to more than the median of the whole. */
const lengthOf = (bar: Bar): number => Math.max(bar.total, ...pieces(bar).map(({ to }) => to));

interface Piece {
  readonly name: string;
  readonly title: string;
  readonly from: number;
  readonly to: number;
}

export function pieces({ name, parts }: Bar): Piece[] {
  let from = 0;
  return parts.map(({ title, value }) => {
    const to = from + Math.max(0, value);
    const piece = { name, title, from, to };
    from = to;
    return piece;
  });
}
