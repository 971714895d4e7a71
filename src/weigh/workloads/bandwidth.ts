/** How fast memory is: a guest's goes through a second page table. */
import { figuresOf } from '../figures-of.ts';
import { pace } from '../pace.ts';
import type { Workload } from '../types/workload.ts';

export const bandwidth: Workload = {
  question: 'bandwidth',
  asks: 'how fast is memory inside, in a row and at random?',
  method:
    'In one thread of a static program, which touches its memory before. In a row: the triad of STREAM (McCalpin, IEEE TCCA 1995) over three arrays of 24 MiB, the best of eight passes. At random: a ring through 64 MiB, in an order made from a seed, each read finding where the next one goes; the best of three passes. Caches larger than that answer for the memory.',
  ownImage: true,
  measures: [
    {
      name: 'triad',
      title: 'triad',
      unit: 'MB/s',
      better: 'higher',
      definition: 'a[i] = b[i] + q · c[i]: 24 bytes for each i.',
    },
    {
      name: 'random',
      title: 'random access',
      unit: 'ns',
      better: 'lower',
      definition: 'Of one read of 4 bytes that waits for the one before.',
    },
  ],
  trials: ({ effort }) => [
    {
      name: 'one',
      title: 'one thread',
      pace: {
        ...pace(effort, { quick: 45, normal: 60, full: 90 }),
        warmup: 0,
        least: 6,
        most: effort === 'full' ? 30 : 10,
      },
      job: ({ root, program = '' }) => ({ root, payload: [program, 'memory'], network: 'own' }),
      sample: figuresOf,
    },
  ],
};
