/** Every sample of every backend, with its median: on a logarithmic axis, for costs of isolation span decades. */
import type { Measure } from '../../../types/question.ts';
import type { Family, Summary } from '../../../types/result.ts';
import { type Axis, axisOver, placeOn } from '../axis.ts';
import {
  type Chart,
  config,
  familyScale,
  fixed,
  type Frame,
  horizontal,
  rowLabels,
  ink,
  type Spec,
  widths,
} from '../chart.ts';
import { readable } from '../readable.ts';

export interface Lane {
  readonly name: string;
  readonly family: Family;
  readonly values: readonly number[];
  readonly summary: Summary;
}

/** Of a whole chart: beyond it each lane shows its share of values, evenly by rank, and all that are flagged. */
const mostDots = 1000;

const layouts = {
  wide: { left: 168, right: 84, top: 2, bottom: 30, step: 34, swarm: 24 },
  narrow: { left: 4, right: 10, top: 2, bottom: 30, step: 58, swarm: 22 },
} as const;

export function distribution(lanes: readonly Lane[], measure: Measure, axis = axisOfLanes(lanes, measure)): Chart {
  const medians = lanes.map(({ name, summary }) => `${name} ${readable(summary.median, measure.unit)}`);
  return {
    description: `${measure.title}: samples of each backend as dots. Medians: ${medians.join('; ')}.`,
    spec: (frame) => spec(lanes, measure, axis, frame),
  };
}

const axisOfLanes = (lanes: readonly Lane[], { unit }: Measure): Axis =>
  axisOver(
    lanes.flatMap(({ summary: { min, max } }) => [min, max]),
    unit,
  );

function spec(lanes: readonly Lane[], { unit }: Measure, axis: Axis, frame: Frame): Spec {
  const layout = layouts[frame];
  const size = fixed({ ...layout, width: widths[frame] });
  const dots = lanes.flatMap((lane) => dotsOf(lane, axis, size.width, mostDots / lanes.length));
  const rows = lanes.map(({ name, family, summary: { median, low, high, p5, p95 } }) => ({
    ...{ name, family, median, low, high, p5, p95 },
    said: readable(median, unit),
  }));
  const lane = {
    field: 'name',
    type: 'nominal',
    axis: null,
    scale: { domain: lanes.map(({ name }) => name) },
  } as const;
  const colour = { field: 'family', type: 'nominal', legend: null, scale: familyScale } as const;
  const x = (field: string) => ({ field, ...horizontal(axis, size.width) });
  const above = frame === 'narrow' ? -13 : 0;
  const down = frame === 'narrow' ? 11 : 0;
  return {
    ...size,
    height: { step: layout.step },
    config,
    data: { values: rows },
    encoding: { y: lane },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55, yOffset: down },
        encoding: { x: x('p5'), x2: { field: 'p95' }, color: colour },
      },
      {
        data: { values: dots },
        mark: { type: 'point', filled: true, size: 22, opacity: 0.5 },
        transform: [{ filter: '!datum.flagged' }],
        encoding: { x: x('value'), yOffset: offset(layout.step / 2 + down, layout.swarm), color: colour },
      },
      {
        data: { values: dots },
        mark: { type: 'point', filled: false, shape: 'diamond', size: 46, strokeWidth: 1.5 },
        transform: [{ filter: 'datum.flagged' }],
        encoding: { x: x('value'), yOffset: offset(layout.step / 2 + down, layout.swarm), color: colour },
      },
      {
        mark: { type: 'rule', strokeWidth: 5, color: ink, opacity: 0.35, yOffset: down },
        encoding: { x: x('low'), x2: { field: 'high' } },
      },
      {
        mark: { type: 'tick', thickness: 2.5, size: layout.swarm, color: ink, yOffset: down },
        encoding: { x: x('median') },
      },
      ...rowLabels(rows, frame, size.width, above),
    ],
  } as Spec;
}

/** Counted from the upper edge of a lane. */
const offset = (middle: number, height: number) => ({
  field: 'lift',
  type: 'quantitative',
  scale: { domain: [-1, 1], range: [middle - height / 2, middle + height / 2] },
});

interface Dot {
  readonly name: string;
  readonly family: Family;
  readonly value: number;
  readonly flagged: boolean;
  /** From -1 to 1: how far it stands off the middle of its lane. */
  readonly lift: number;
}

/** Dots that would cover each other stand beside each other. */
export function dotsOf({ name, family, values, summary }: Lane, axis: Axis, width: number, most: number): Dot[] {
  const flagged = new Set(summary.outliers);
  const all = values.map((value, index) => ({ value, flagged: flagged.has(index) }));
  const shown = thinned(
    all.toSorted((a, b) => a.value - b.value),
    most,
  );
  const columns = new Map<number, number>();
  const placed = shown.map((dot) => {
    const column = Math.round((placeOn(axis, dot.value) * width) / 4);
    const before = columns.get(column) ?? 0;
    columns.set(column, before + 1);
    return { ...dot, turn: before };
  });
  const tallest = Math.max(6, ...columns.values());
  return placed.map(({ value, flagged, turn }) => {
    const lift = ((turn % 2 === 0 ? 1 : -1) * Math.ceil(turn / 2) * 2) / tallest;
    return { name, family, value, flagged, lift: Number(lift.toFixed(3)) };
  });
}

function thinned<T extends { readonly flagged: boolean }>(dots: readonly T[], most: number): T[] {
  if (dots.length <= most) return [...dots];
  const stride = dots.length / most;
  return dots.filter(
    ({ flagged }, index) => flagged || Math.floor(index / stride) !== Math.floor((index - 1) / stride),
  );
}
