import { describe, expect, test } from 'vitest';
import { axisOver, linearAxis } from '../../../../src/weigh/report/page/axis.ts';
import { cut } from '../../../../src/weigh/report/page/chart.ts';
import { curves, labelsOf } from '../../../../src/weigh/report/page/charts/curve.ts';
import { distribution, dotsOf, type Lane } from '../../../../src/weigh/report/page/charts/distribution.ts';
import { pieces, stack } from '../../../../src/weigh/report/page/charts/stack.ts';
import { oneAxis, shownOf, waterfall } from '../../../../src/weigh/report/page/charts/waterfall.ts';
import { beside } from '../../../../src/weigh/report/page/charts/beside.ts';
import { draw } from '../../../../src/weigh/report/page/draw.ts';
import { randomFrom } from '../../../../src/weigh/random.ts';
import { summarize } from '../../../../src/weigh/statistics.ts';
import { example } from './example.ts';

const lane = (name: string, values: readonly number[]): Lane => ({
  name,
  family: 'container',
  values,
  summary: summarize(values, randomFrom(1)),
});

const measure = { name: 'gone', title: 'request → all gone', unit: 'ms', better: 'lower', definition: '' } as const;
const plain = (text: string): string => text.replaceAll('\u00a0', ' ');
const [container, machine] = example.timelines.map(({ backend, spans }) => ({
  name: backend,
  family: backend === 'tare' ? ('container' as const) : ('vm' as const),
  spans,
}));

describe('dots', () => {
  const axis = linearAxis(10, 'ms');

  test('that would cover each other stand beside each other', () => {
    const lifts = dotsOf(lane('a', [1, 1, 1, 5]), axis, 100, 10).map(({ value, lift }) => [value, lift]);
    expect(lifts).toEqual([
      [1, 0],
      [1, -0.333],
      [1, 0.333],
      [5, 0],
    ]);
  });

  test('are thinned where there are too many, but never those that are flagged', () => {
    const values = [...Array.from({ length: 500 }, (_, index) => 1 + index / 500), 9];
    const dots = dotsOf(lane('a', values), axis, 100, 50);
    expect(dots.length).toBeLessThanOrEqual(51);
    expect(dots.filter(({ flagged }) => flagged).map(({ value }) => value)).toEqual([9]);
  });
});

describe('labels of lines', () => {
  const curve = (name: string, median: number) => ({
    name,
    family: 'container' as const,
    points: [{ at: 1, median, low: median, high: median }],
  });

  test('are moved apart, and stay on the chart', () => {
    const axis = linearAxis(100, 'ms');
    const placed = labelsOf([curve('a', 1), curve('b', 2), curve('c', 3), curve('d', 90)], axis, 300);
    const pixels = placed.map(({ name, level }) => `${name} ${Math.round(300 * (1 - level / axis.high))}`);
    expect(pixels).toEqual(['d 35', 'c 266', 'b 283', 'a 300']);
  });
});

test('parts are laid end to end, and one below 0 has no length', () => {
  const parts = [
    { title: 'payload', value: 2 },
    { title: 'kernel', value: -1 },
    { title: 'helpers', value: 3 },
  ];
  expect(pieces({ name: 'crun', total: 4, parts }).map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [2, 2],
    [2, 5],
  ]);
});

test('of many steps the phases and the longest are shown, as they come', () => {
  const phase = { name: 'namespaces', begin: 0, end: 100, depth: 0 };
  const steps = Array.from({ length: 90 }, (_, index) => ({
    name: `${index}`,
    begin: index,
    end: index + index / 90,
    depth: 1,
  }));
  const shown = shownOf([phase, ...steps]);
  expect([shown.length, shown[0]?.name, shown[1]?.name, shown.at(-1)?.name]).toEqual([24, 'namespaces', '67', '89']);
});

test('a name is cut where it has no room', () => {
  expect([cut('crun run', 21), cut('QEMU microvm, TCG, from a snapshot', 21)]).toEqual([
    'crun run',
    'QEMU microvm, TCG, f…',
  ]);
});

describe('a chart', () => {
  const bars = [{ name: 'crun', total: -0.1, parts: [{ title: 'payload', value: 1 }] }];
  const points = [
    { at: 1, median: 300, low: 290, high: 310 },
    { at: 50, median: 550, low: 540, high: 560 },
  ];
  const charts = {
    distribution: distribution([lane('crun run', [17, 18, 19, 40]), lane('tare, library', [3, 3.1, 3.2])], measure),
    'with values below 0': distribution([lane('crun run', [-1, 2, 3])], measure, axisOver([-1, 3], 'ms')),
    stack: stack(bars, ['payload'], 'MiB'),
    curves: curves([{ name: 'tare', family: 'container', points }], { ...measure, unit: '1/s' }, 'by how many at once'),
    'one axis': oneAxis([container!, machine!]),
    waterfall: waterfall(machine!, true),
    beside: beside(
      [
        { name: 'nsdi20: QEMU', family: 'vm', value: 244, ours: false },
        { name: 'crun', family: 'container', value: 17, ours: true },
      ],
      'ms',
    ),
  };

  test('says in words what it shows', () => {
    expect(Object.values(charts).map(({ description }) => plain(description))).toMatchInlineSnapshot(`
      [
        "request → all gone: samples of each backend as dots. Medians: crun run 18.5 ms; tare, library 3.10 ms.",
        "request → all gone: samples of each backend as dots. Medians: crun run 2.00 ms.",
        "Bars that are made of payload. In all: crun -0.100 MiB.",
        "request → all gone, by how many at once: tare from 300/s at 1 to 550/s at 50.",
        "Starts on one axis of time, phase by phase: tare, 3.10 ms; qemu-tcg, 1.71 s.",
        "qemu-tcg step by step, 1.71 s in all: QEMU starts, 92.0 ms; firmware, 39.0 ms; kernel, 1.16 s; init, 130 ms; payload, 65.0 ms; power off, 225 ms.",
        "Medians of ours and published figures, from the least: crun (ours) 17.0 ms; nsdi20: QEMU 244 ms.",
      ]
    `);
  });

  test.each(Object.entries(charts))('is drawn without a warning, wide and narrow: %s', async (_, chart) => {
    for (const [frame, width] of [
      ['wide', chart === charts.waterfall ? 420 : 880],
      ['narrow', 340],
    ] as const) {
      const svg = await draw(chart.spec(frame));
      expect(svg).toMatch(new RegExp(`^<svg [^>]*width="${width}"`));
      expect(svg).toContain('var(--');
      expect(svg).not.toMatch(/\d\.\d{4}|undefined|NaN|href|<script|#[0-9a-f]{3,6}"/);
    }
  });

  test('is refused where vega-lite would draw something else', async () => {
    const wrong = {
      data: { values: [{ a: 1 }] },
      mark: 'bar',
      encoding: { x: { field: 'a', type: 'quantitative', scale: { type: 'log', zero: true } } },
    };
    await expect(draw(wrong as Parameters<typeof draw>[0])).rejects.toThrow('draw a chart: ');
  });
});
