/** Many at once: where locks of the kernel and of a runtime show. */
import { memory as memoryField } from '../fingerprint.ts';
import { pace } from '../pace.ts';
import { quantileOf } from '../statistics.ts';
import type { Peer } from '../types/backend.ts';
import type { Trial, Values, Workload } from '../types/workload.ts';

export const rate: Workload = {
  question: 'rate',
  asks: 'how many start and end per second, when so many are asked for at once?',
  method:
    'All are requested at the same moment, and the clock of each begins then. The rate is their number by the time until the last of them is gone.',
  measures: [
    {
      name: 'rate',
      title: 'starts per second',
      unit: '1/s',
      better: 'higher',
      definition: 'Their number by the seconds from the request until all are gone.',
    },
    {
      name: 'p50',
      title: 'median of each',
      unit: 'ms',
      better: 'lower',
      definition: 'From the common request until half of them are gone.',
    },
    {
      name: 'p99',
      title: 'p99 of each',
      unit: 'ms',
      better: 'lower',
      definition: 'From the common request until 99 of 100 are gone; of fewer than 100 the last one.',
    },
  ],
  trials: ({ effort }) =>
    (effort === 'quick' ? [1, 10] : [1, 2, 10, 50, 100]).map((count): Trial => ({
      name: `${count}`,
      title: `${count} at once`,
      at: count,
      // A crowd finds warm what one before it has used: a hundred machines take minutes.
      pace: { ...pace(effort, { quick: 10, normal: 20, full: 60 }), warmup: count === 1 ? 1 : 0, least: 6, rest: 20 },
      job: ({ root, payload }) => ({ root, payload, network: 'own' }),
      refuses: ({ memory = 0 }) => whyTooMany(count, memory),
      sample: async (peer) => sampleRate(peer, count),
    })),
};

/** A host that runs out of memory kills whom it likes. */
function whyTooMany(count: number, each: number): string | undefined {
  const [wanted, available] = [count * each, memoryField('MemAvailable')];
  if (wanted <= available) return undefined;
  return `${count} at once may take ${gib(wanted)} of memory, and ${gib(available)} are available`;
}

const gib = (mib: number): string => `${(mib / 1024).toFixed(1)} GiB`;

async function sampleRate(peer: Peer, count: number): Promise<Values> {
  const runs = await peer.run(count);
  const begun = runs.reduce(
    (first, { requested }) => (requested < first ? requested : first),
    runs[0]?.requested ?? 0n,
  );
  const times = runs.map(({ gone }) => Number(gone - begun) / 1e6);
  return { rate: (count / Math.max(...times)) * 1000, p50: quantileOf(times, 0.5), p99: quantileOf(times, 0.99) };
}
