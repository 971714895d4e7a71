/** The same question on a scale, such as how many are started at once: a line for each backend. */
import type { Measure } from '../../../types/question.ts';
import type { Family } from '../../../types/result.ts';
import { type Axis, axisOver, labelExpression, placeOn, valueAt } from '../axis.ts';
import { type Chart, config, cut, familyScale, fixed, type Frame, type Spec, widths } from '../chart.ts';
import { readable } from '../readable.ts';

export interface Curve {
  readonly name: string;
  readonly family: Family;
  readonly points: readonly {
    readonly at: number;
    readonly median: number;
    readonly low: number;
    readonly high: number;
  }[];
}

const layouts = {
  wide: { left: 72, right: 190, top: 10, bottom: 46, height: 320, letters: 24 },
  narrow: { left: 60, right: 112, top: 10, bottom: 46, height: 280, letters: 14 },
} as const;

/** Between two labels, in pixels. */
const labelStep = 17;

export function curves(all: readonly Curve[], measure: Measure, scale: string): Chart {
  const said = all.map(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    return `${name} from ${readable(first?.median ?? NaN, measure.unit)} at ${first?.at} to ${readable(last?.median ?? NaN, measure.unit)} at ${last?.at}`;
  });
  return {
    description: `${measure.title}, ${scale}: ${said.join('; ')}.`,
    spec: (frame) => spec(all, measure, scale, frame),
  };
}

function spec(all: readonly Curve[], { unit }: Measure, scale: string, frame: Frame): Spec {
  const layout = layouts[frame];
  const size = fixed({ ...layout, width: widths[frame] });
  const points = all.flatMap(({ name, family, points }) => points.map((point) => ({ name, family, ...point })));
  const up = axisOver(
    points.flatMap(({ low, high }) => [low, high]),
    unit,
  );
  const places = [...new Set(points.map(({ at }) => at))].toSorted((a, b) => a - b);
  const span = (places.at(-1) ?? 1) / (places[0] ?? 1);
  const along = {
    type: span > 4 ? 'log' : 'linear',
    domain: [places[0], places.at(-1)],
    nice: false,
    padding: 8,
  };
  const x = {
    field: 'at',
    type: 'quantitative',
    scale: along,
    axis: { values: places, format: 'd', grid: false, title: scale },
  };
  const yScale = {
    type: up.kind,
    domain: [up.low, up.high],
    nice: false,
    ...(up.kind === 'linear' && { zero: false }),
  };
  const yAxis = { values: up.ticks, labelExpr: labelExpression(up), title: null, grid: true };
  const y = (field: string) => ({ field, type: 'quantitative', scale: yScale, axis: yAxis });
  const color = { field: 'family', type: 'nominal', legend: null, scale: familyScale };
  const detail = { field: 'name', type: 'nominal' };
  return {
    ...size,
    height: layout.height,
    config,
    data: { values: points },
    encoding: { x, color, detail },
    layer: [
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { y: y('median') } },
      { mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.6 }, encoding: { y: y('low'), y2: { field: 'high' } } },
      { mark: { type: 'point', filled: true, size: 46, opacity: 1 }, encoding: { y: y('median') } },
      {
        data: {
          values: labelsOf(all, up, layout.height).map((label) => ({
            ...label,
            short: cut(label.name, layout.letters),
          })),
        },
        mark: { type: 'text', align: 'left' },
        encoding: {
          x: { value: size.width + 10 },
          y: y('level'),
          text: { field: 'short' },
          color,
        },
      },
    ],
  } as Spec;
}

/** Beside the ends of their lines, moved apart where they would cover each other: as values of the axis. */
export function labelsOf(
  all: readonly Curve[],
  axis: Axis,
  height: number,
): { name: string; family: Family; level: number }[] {
  const wanted = all
    .map(({ name, family, points }) => ({ name, family, last: points.at(-1)?.median ?? axis.low }))
    .map((label) => ({ ...label, down: height * (1 - placeOn(axis, label.last)) }))
    .toSorted((a, b) => a.down - b.down);
  const lowest = height - labelStep * (wanted.length - 1);
  let free = -Infinity;
  return wanted.map(({ name, family, down }, index) => {
    const place = Math.min(Math.max(down, free), lowest + labelStep * index);
    free = place + labelStep;
    return { name, family, level: valueAt(axis, 1 - place / height) };
  });
}
