/** Work that asks the kernel for nothing: where isolation should cost nothing. */
import { figuresOf } from '../figures-of.ts';
import { pace } from '../pace.ts';
import type { Workload } from '../types/workload.ts';

export const cpu: Workload = {
  question: 'cpu',
  asks: 'does computing cost more inside?',
  method:
    'The payload measures itself, so that no start is in it: it counts the primes below 10 000 by trial division, over and over for half a second, as sysbench cpu does; and compresses 4 MiB of text that is made from a seed by busybox gzip, as PXZ does in Felter et al., "An updated performance comparison of virtual machines and Linux containers", ISPASS 2015.',
  ownImage: true,
  measures: [
    {
      name: 'primes',
      title: 'primes below 10 000',
      unit: '1/s',
      better: 'higher',
      definition: 'How often per second all of them were found, in one thread.',
    },
    {
      name: 'compress',
      title: 'compression',
      unit: 'MB/s',
      better: 'higher',
      definition: 'Of the input; gzip -6 in one process, fed and read through pipes.',
    },
  ],
  trials: ({ effort }) => [
    {
      name: 'one',
      title: 'one thread',
      pace: {
        ...pace(effort, { quick: 60, normal: 90, full: 240 }),
        warmup: 0,
        least: 6,
        most: effort === 'full' ? 60 : 15,
      },
      job: ({ root, program = '' }) => ({ root, payload: [program, 'compute'], network: 'own' }),
      sample: figuresOf,
    },
  ],
};
