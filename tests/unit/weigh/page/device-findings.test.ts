import { expect, test } from 'vitest';
import { deviceFindings } from '../../../../src/weigh/report/page/device-findings.ts';
import { randomFrom } from '../../../../src/weigh/random.ts';
import { summarize } from '../../../../src/weigh/statistics.ts';
import type { Series, Weighing } from '../../../../src/weigh/types/result.ts';
import { network } from '../../../../src/weigh/workloads/network.ts';
import { example } from './example.ts';

const sent = (backend: string, through: string, values: readonly number[]): Series => ({
  backend,
  variant: 'link',
  through,
  rounds: values.map((_, round) => round),
  values: { out: values },
  summaries: { out: summarize(values, randomFrom(1)) },
  comparisons: {},
});

const weighingOf = (...series: readonly Series[]): Weighing => ({
  ...example,
  questions: [
    {
      name: network.question,
      asks: network.asks,
      method: network.method,
      measures: network.measures,
      variants: [{ name: 'link', title: 'to the outside' }],
      series,
      missing: [],
    },
  ],
});

const told = (weighing: Weighing): string[] =>
  deviceFindings(weighing).map(({ title, figure, claim }) => `${title}: ${figure} ${claim}`.replaceAll('\u00a0', ' '));

const virtio = sent('q35-tcg', 'virtio-net', [90, 100, 110, 95, 105, 99]);
const emulated = sent('q35-emulated-tcg', 'an emulated e1000', [20, 21, 19, 20.5, 19.5, 20]);

test('one board with both kinds of devices is compared with itself', () => {
  const others = sent('microvm-tcg', 'virtio-net', [500, 500, 500, 500, 500, 500]);
  expect(told(weighingOf(others, virtio, emulated))).toMatchInlineSnapshot(`
    [
      "A network card that knows it is virtual sends: 4.97× more data a second: 99.5 MB/s through virtio-net against 20.0 MB/s through an emulated e1000 (95 %: 4.63–5.38×).",
    ]
  `);
});

test('noise is no difference', () => {
  const same = sent('q35-emulated-tcg', 'an emulated e1000', [91, 99, 111, 94, 106, 98]);
  expect(told(weighingOf(virtio, same))[0]).toContain('= no difference can be claimed');
});

test('a slower para-virtual device is said to be slower', () => {
  const [finding] = told(
    weighingOf(
      { ...virtio, values: emulated.values, summaries: emulated.summaries },
      { ...emulated, values: virtio.values, summaries: virtio.summaries },
    ),
  );
  expect(finding).toMatch(/: 4\.97× less data a second/);
});

test('nothing is said where one of both is missing', () => {
  expect(told(weighingOf(virtio))).toEqual([]);
  expect(told(example)).toEqual([]);
});
