/** Published figures among our own: one dot each, theirs hollow, for they are no part of the same race. */
import type { Unit } from '../../../types/question.ts';
import type { Family } from '../../../types/result.ts';
import { axisOver } from '../axis.ts';
import {
  type Chart,
  config,
  familyScale,
  fixed,
  type Frame,
  horizontal,
  rowLabels,
  type Spec,
  widths,
} from '../chart.ts';
import { readable } from '../readable.ts';

export interface Point {
  /** No two alike: `nsdi20: QEMU`. */
  readonly name: string;
  readonly family: Family;
  readonly value: number;
  readonly ours: boolean;
}

const layouts = {
  wide: { left: 290, right: 84, top: 2, bottom: 30, step: 25, letters: 40 },
  narrow: { left: 4, right: 10, top: 2, bottom: 30, step: 42, letters: 33 },
} as const;

export function beside(points: readonly Point[], unit: Unit): Chart {
  const sorted = points.toSorted((a, b) => a.value - b.value);
  const said = sorted.map(({ name, value, ours }) => `${name}${ours ? ' (ours)' : ''} ${readable(value, unit)}`);
  return {
    description: `Medians of ours and published figures, from the least: ${said.join('; ')}.`,
    spec: (frame) => spec(sorted, unit, frame),
  };
}

function spec(points: readonly Point[], unit: Unit, frame: Frame): Spec {
  const layout = layouts[frame];
  const size = fixed({ ...layout, width: widths[frame] });
  const values = points.map((point) => point.value);
  const axis = axisOver(values, unit);
  const down = frame === 'narrow' ? 9 : 0;
  const above = frame === 'narrow' ? -9 : 0;
  const rows = points.map(({ name, value }) => ({ name, said: readable(value, unit) }));
  const encoding = {
    x: { field: 'value', ...horizontal(axis, size.width) },
    color: { field: 'family', type: 'nominal', legend: null, scale: familyScale },
  };
  const dot = { type: 'point', size: 90, strokeWidth: 2, opacity: 1, yOffset: down } as const;
  return {
    ...size,
    height: { step: layout.step },
    config,
    data: { values: points },
    encoding: { y: { field: 'name', type: 'nominal', axis: null, scale: { domain: points.map(({ name }) => name) } } },
    layer: [
      { transform: [{ filter: 'datum.ours' }], mark: { ...dot, filled: true }, encoding },
      { transform: [{ filter: '!datum.ours' }], mark: { ...dot, filled: false }, encoding },
      ...rowLabels(rows, frame, size.width, above, layout.letters),
    ],
  } as Spec;
}
