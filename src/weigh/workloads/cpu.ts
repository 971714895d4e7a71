/** Work that asks the kernel for nothing: where isolation should cost nothing. */
import { figuresOf, outputOf } from '../figures-of.ts';
import { pace } from '../pace.ts';
import { eventsPerSecond } from '../tools/sysbench.ts';
import type { Trial, Workload } from '../types/workload.ts';

export const cpu: Workload = {
  question: 'cpu',
  asks: 'does computing cost more inside?',
  method:
    'The payload measures itself, so that no start is in it. sysbench cpu finds all primes below 10 000 by trial division, over and over, in one thread: for 10 seconds with --full, for 2 usually, for 1 with --quick. A compressor works on 4 MiB of text that is made from a seed: busybox gzip, in the place of PXZ in Felter et al., "An updated performance comparison of virtual machines and Linux containers", ISPASS 2015.',
  ownImage: true,
  measures: [
    {
      name: 'primes',
      title: 'sysbench cpu',
      unit: '1/s',
      better: 'higher',
      definition: 'Its "events per second": how often it has found all primes below 10 000.',
    },
    {
      name: 'compress',
      title: 'compression',
      unit: 'MB/s',
      better: 'higher',
      definition: 'Of the input; gzip -6 in one process, fed and read through pipes.',
    },
  ],
  trials: ({ effort }) => [sysbench(effort), compressor(effort)],
};

type Effort = Parameters<Workload['trials']>[0]['effort'];

const seconds: Readonly<Record<Effort, number>> = { quick: 1, normal: 2, full: 10 };

const sysbench = (effort: Effort): Trial => ({
  name: 'sysbench',
  title: `sysbench cpu, ${seconds[effort]} s`,
  pace: { ...pace(effort, { quick: 60, normal: 90, full: 320 }), warmup: 0, least: 3, most: 10 },
  needs: { tools: ['sysbench'] },
  job: ({ tools = '' }) => ({
    root: tools,
    payload: ['/usr/bin/sysbench', 'cpu', '--cpu-max-prime=10000', `--time=${seconds[effort]}`, 'run'],
    network: 'own',
  }),
  sample: async (peer) => ({ primes: eventsPerSecond(await outputOf(peer)) }),
});

const compressor = (effort: Effort): Trial => ({
  name: 'compress',
  title: 'a compressor, 4 MiB',
  pace: {
    ...pace(effort, { quick: 45, normal: 60, full: 90 }),
    warmup: 0,
    least: 6,
    most: effort === 'full' ? 30 : 10,
  },
  job: ({ root, program = '' }) => ({ root, payload: [program, 'compress'], network: 'own' }),
  sample: figuresOf,
});
