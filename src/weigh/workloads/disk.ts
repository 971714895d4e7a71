/** A disk: through the layers of a container, and through the devices of a machine. */
import { outputOf } from '../figures-of.ts';
import { pace } from '../pace.ts';
import { places } from '../storage.ts';
import { fioJobs } from '../tools/fio.ts';
import type { Measure } from '../types/question.ts';
import type { Trial, Values, Workload } from '../types/workload.ts';

const depths = [1, 32] as const;
/** By the word for fio. */
const random = { randread: 'random reads', randwrite: 'random writes' } as const;
const inRow = { read: 'reads in a row', write: 'writes in a row' } as const;

const queued = (depth: number): string =>
  depth === 1 ? 'one after the other: a queue depth of 1' : `${depth} under way at a time: a queue depth of ${depth}`;

const measures: readonly Measure[] = [
  ...Object.entries(random).flatMap(([name, title]) =>
    depths.map((depth): Measure => ({
      name: `${name}-${depth}`,
      title: `${title}, QD ${depth}`,
      unit: '1/s',
      better: 'higher',
      definition: `Of 4 KiB, ${queued(depth)}.`,
    })),
  ),
  ...Object.entries(inRow).flatMap(([name, title]) =>
    depths.map((depth): Measure => ({
      name: `${name}-${depth}`,
      title: `${title}, QD ${depth}`,
      unit: 'MB/s',
      better: 'higher',
      definition: `Of 1 MiB, ${queued(depth)}.`,
    })),
  ),
  {
    name: 'randread-p99',
    title: 'random read, p99',
    unit: 'ms',
    better: 'lower',
    definition: 'How long 99 of 100 random reads take at most, one after the other.',
  },
];

export const disk: Workload = {
  question: 'disk',
  asks: 'how fast is the disk from inside, past the page cache?',
  method:
    'fio (libaio, O_DIRECT) reads and writes a file of 64 MiB: 4 KiB at random and 1 MiB in a row, with 1 and with 32 requests under way. Containers write to their own root, which lies on the host’s filesystem, or to a directory of the host; machines to a disk of their own, a file of the host that QEMU opens with O_DIRECT too, with an ext4 in it. What is compared is the way, for the disk at its end is the same.',
  ownImage: true,
  measures,
  trials: ({ effort }) => [
    onto('volume', 'a volume or a disk of its own', effort),
    ...(effort === 'quick' ? [] : [onto('root', 'its own root', effort)]),
  ],
};

type Effort = Parameters<Workload['trials']>[0]['effort'];

/** ms, of each of the eight jobs. */
const runtime: Readonly<Record<Effort, number>> = { quick: 200, normal: 300, full: 700 };

const onto = (storage: keyof typeof places, title: string, effort: Effort): Trial => ({
  name: storage,
  title,
  showsWay: true,
  needs: { tools: ['fio'], disk: true },
  pace: {
    ...pace(effort, { quick: 60, normal: 90, full: 180 }),
    warmup: 0,
    least: 3,
    most: effort === 'full' ? 20 : 10,
  },
  job: ({ tools = '' }) => ({
    root: tools,
    payload: ['/usr/bin/fio', ...settings(places[storage], runtime[effort]), ...jobs()],
    network: 'own',
    storage,
  }),
  sample: async (peer) => valuesOf(await outputOf(peer)),
});

const settings = (directory: string, milliseconds: number): string[] => [
  ...['--output-format=json', '--thread', '--ioengine=libaio', '--direct=1', '--percentile_list=99'],
  ...[`--directory=${directory}`, '--filename=data', '--size=64m'],
  ...['--time_based', `--runtime=${milliseconds}ms`, '--randseed=42', '--allrandrepeat=1'],
];

/** One after the other. */
const jobs = (): string[] =>
  [...Object.keys(random), ...Object.keys(inRow)].flatMap((kind) =>
    depths.flatMap((depth) => [
      ...[`--name=${kind}-${depth}`, `--rw=${kind}`, `--bs=${kind in random ? '4k' : '1m'}`],
      ...[`--iodepth=${depth}`, '--stonewall'],
    ]),
  );

function valuesOf(text: string): Values {
  const found = fioJobs(text);
  const values = [...found].map(([name, { operations, megabytes }]) => [
    name,
    name.startsWith('rand') ? operations : megabytes,
  ]);
  return { ...(Object.fromEntries(values) as Values), 'randread-p99': found.get('randread-1')?.p99 ?? NaN };
}
