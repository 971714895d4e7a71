/** What an idle instance adds to the host, and who holds it. */
import { setTimeout } from 'node:timers/promises';
import { memory as memoryField } from '../fingerprint.ts';
import { dropCaches } from '../page-cache.ts';
import { proportionalSize } from '../processes.ts';
import type { Held, Peer } from '../types/backend.ts';
import type { Measure } from '../types/question.ts';
import type { Trial, Values, Workload } from '../types/workload.ts';

const measure = (name: string, title: string, definition: string, partOf?: string): Measure => ({
  name,
  title,
  unit: 'MiB',
  better: 'lower',
  definition,
  ...(partOf === undefined ? {} : { partOf }),
});

export const memory: Workload = {
  question: 'memory',
  asks: 'how much memory does an idle instance take from the host, and who holds it?',
  method:
    'So many instances are started, or fewer if they take 512 MiB or ten seconds (of a quick look: three), which wait for the end of their input; what MemAvailable has lost then is divided by their number. The page cache is dropped before both readings, and what is free has come to rest (Young et al., "The true cost of containing: a gVisor case study", HotCloud 2019).',
  ownImage: true,
  measures: [
    measure('added', 'added to the host', 'Lost MemAvailable by the number of instances, page cache dropped.'),
    measure('payload', 'payload', 'Proportional set size of the payload, of proc_pid_smaps_rollup(5).', 'added'),
    measure('helpers', 'helpers', 'The same of what runs for its sake: monitors, shims, the command itself.', 'added'),
    measure('kernel', 'kernel', 'The rest: page tables, namespaces, cgroups, mounts. At least 0.', 'added'),
  ],
  trials: ({ effort, root }) => [idle(effort === 'quick', root)],
};

const idle = (quick: boolean, root: boolean): Trial => ({
  name: 'idle',
  title: `up to ${(quick ? hasty : thorough).count} idle instances`,
  at: (quick ? hasty : thorough).count,
  pace: {
    ...(quick ? { warmup: 0, least: 3, most: 3, budget: 45 } : { warmup: 1, least: 6, most: 6, budget: 120 }),
    precision: 0.05,
    rest: 50,
  },
  job: ({ root: directory, program = '' }) => ({ root: directory, payload: [program, 'idle'], network: 'own' }),
  refuses: (peer) => {
    if (!root) return 'the page cache is dropped by root alone';
    return peer.hold === undefined ? 'an instance cannot be held' : undefined;
  },
  sample: async (peer) => weighIdle(peer, quick ? hasty : thorough),
});

/** So many instances; and MiB and seconds, after which no further one is started. */
interface Crowd {
  readonly count: number;
  readonly budget: number;
  readonly patience: number;
}

const thorough: Crowd = { count: 100, budget: 512, patience: 10 };
const hasty: Crowd = { count: 30, budget: 512, patience: 3 };

async function weighIdle(peer: Peer, { count, budget, patience }: Crowd): Promise<Values> {
  const before = await settled();
  const held: Held[] = [];
  try {
    const deadline = performance.now() + patience * 1000;
    while (held.length < count && before - memoryField('MemAvailable') < budget && performance.now() < deadline) {
      const one = await peer.hold?.();
      if (one !== undefined) held.push(one);
    }
    const added = (before - (await settled())) / held.length;
    const { payload = [], helpers = [] } = peer.processes?.() ?? {};
    const [own, others] = [payload, helpers].map((pids) => sizeOf(pids) / held.length);
    return {
      added,
      payload: own ?? 0,
      helpers: others ?? 0,
      kernel: Math.max(0, added - (own ?? 0) - (others ?? 0)),
    };
  } finally {
    await Promise.all(held.map(async (one) => one.release()));
  }
}

/**
 * MemAvailable in MiB, page cache dropped, as soon as it has come to rest: what ended just now, a machine say, gives back its
 * memory by and by. After a second it is what it is: somebody else is busy.
 */
async function settled(): Promise<number> {
  await dropCaches();
  const deadline = performance.now() + 1000;
  let last = memoryField('MemAvailable');
  while (performance.now() < deadline) {
    await setTimeout(20);
    const now = memoryField('MemAvailable');
    if (Math.abs(now - last) < rest) return now;
    last = now;
  }
  return last;
}

/** In MiB, of 20 ms. */
const rest = 0.25;

const sizeOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + proportionalSize(pid), 0) / 1024;
