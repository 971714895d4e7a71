/** How many fit, and whether the last one starts as fast as the first. */
import { memory as memoryField } from '../fingerprint.ts';
import { medianOf } from '../statistics.ts';
import type { Held, Peer } from '../types/backend.ts';
import type { Trial, Values, Workload } from '../types/workload.ts';

/** However little each of them takes. */
const crowd = { quick: 100, normal: 400, full: 1000 } as const;

export const density: Workload = {
  question: 'density',
  asks: 'how many idle instances fit into a memory budget, and does the last one start as fast as the first?',
  method:
    'Idle instances are started one after another until MemAvailable has lost the budget, a number is reached that is said to be the most, or ten seconds have passed. Then all are ended.',
  ownImage: true,
  measures: [
    {
      name: 'instances',
      title: 'instances',
      unit: 'instances',
      better: 'higher',
      definition: 'How many were alive when the budget, the most, or the time was reached.',
    },
    {
      name: 'each',
      title: 'memory of each',
      unit: 'MiB',
      better: 'lower',
      definition: 'What MemAvailable lost by their number; the page cache is as it is.',
    },
    {
      name: 'early',
      title: 'start of the first tenth',
      unit: 'ms',
      better: 'lower',
      definition: 'Median time from the request to the first byte, of the first tenth.',
    },
    {
      name: 'late',
      title: 'start of the last tenth',
      unit: 'ms',
      better: 'lower',
      definition: 'The same of the last tenth, beside all the others.',
    },
  ],
  trials: ({ effort, availableMemory }) => {
    const budget = Math.min(1024, availableMemory / 4);
    return [fill(Math.floor(budget), crowd[effort], effort)];
  },
};

const fill = (budget: number, most: number, effort: keyof typeof crowd): Trial => ({
  name: 'fill',
  title: `into ${budget} MiB, ${most} at most`,
  pace: { warmup: 0, least: 3, most: effort === 'full' ? 6 : 3, budget: 180, precision: 0.05, rest: 200 },
  job: ({ root, program = '' }) => ({ root, payload: [program, 'idle'], network: 'own' }),
  refuses: (peer) => (peer.hold === undefined ? 'an instance cannot be held' : undefined),
  sample: async (peer) => fillWith(peer, budget, most),
});

/** Seconds, for one backend to fill the budget. */
const patience = 10;

async function fillWith(peer: Peer, budget: number, most: number): Promise<Values> {
  const before = memoryField('MemAvailable');
  const deadline = performance.now() + patience * 1000;
  const held: Held[] = [];
  const lost = (): number => before - memoryField('MemAvailable');
  try {
    while (held.length < most && lost() < budget && performance.now() < deadline) {
      const one = await peer.hold?.();
      if (one !== undefined) held.push(one);
    }
    const times = held.map(({ requested, firstByte }) => Number(firstByte - requested) / 1e6);
    const tenth = Math.ceil(times.length / 10);
    return {
      instances: held.length,
      each: Math.max(0, lost() / held.length),
      early: medianOf(times.slice(0, tenth)),
      late: medianOf(times.slice(-tenth)),
    };
  } finally {
    await Promise.all(held.map(async (one) => one.release()));
  }
}
