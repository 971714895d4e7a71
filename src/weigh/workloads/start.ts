/** One start and its end: warm, without a network of its own, in steps, and with a cold page cache. */
import { dropCaches } from '../page-cache.ts';
import { pace } from '../pace.ts';
import type { Peer, Run } from '../types/backend.ts';
import type { Measure } from '../types/question.ts';
import type { Trial, Values, Workload } from '../types/workload.ts';

const ms = (from: bigint, to: bigint): number => Number(to - from) / 1e6;

const measure = (name: string, title: string, definition: string): Measure => ({
  name,
  title,
  unit: 'ms',
  better: 'lower',
  definition,
});

const measures: readonly Measure[] = [
  measure(
    'gone',
    'request → all gone',
    'From the request until no process of the instance is left, and whoever asked has cleaned up behind it.',
  ),
  measure(
    'firstByte',
    'request → first byte',
    'From the request until the first byte that the payload writes has arrived with whoever asked: end to end, no internal timer.',
  ),
  measure(
    'internal',
    'by its own timer',
    'The start as the backend itself would tell it: of tare, until it hears that execve has succeeded; of a virtual machine, from a monitor that is ready until the guest’s first process, as Firecracker’s 125 ms are counted. Whoever asked waits longer.',
  ),
  measure('exited', 'request → exit', 'From the request until whoever asked knows that the payload has ended.'),
  measure('teardown', 'exit → all gone', 'From there until nothing is left.'),
  measure('user', 'CPU, user', 'User time of all its processes, of those that somebody waited for: wait4(2).'),
  measure('system', 'CPU, system', 'System time of the same.'),
  measure(
    'blocked',
    'blocked',
    'What is left of the time to the exit without both: nothing of it ran. 0 where it kept more than one CPU busy.',
  ),
  {
    name: 'peak',
    title: 'peak memory',
    unit: 'MiB',
    better: 'lower',
    definition: 'Resident set of the largest of its processes, helpers and the command itself included: ru_maxrss.',
  },
  measure('create', 'create', 'Until all is made and the payload waits.'),
  measure('start', 'start', 'Until the waiting payload runs.'),
  measure('delete', 'delete', 'To clean up behind one that has ended.'),
];

export const start: Workload = {
  question: 'start',
  asks: 'how long does one take, from the request to the first byte, its exit, and nothing left of it?',
  method:
    'Every round asks every backend once, in a new random order, so that whatever else the machine does hits all alike. A command is started and followed by a small program next to it, the library is timed around its calls. The payload is a static program that writes one byte and ends.',
  measures,
  trials: ({ effort, root }) => [
    { ...common('warm', 'page cache warm'), pace: pace(effort, { quick: 50, normal: 90, full: 240 }) },
    ...(effort === 'quick' ? [] : [sharedNetwork(effort), inSteps(effort)]),
    ...(effort === 'quick' || !root ? [] : [cold(effort)]),
  ],
};

const common = (name: string, title: string): Omit<Trial, 'pace'> => ({
  name,
  title,
  job: ({ root, payload }) => ({ root, payload, network: 'own' }),
  sample: sampleStart,
});

const sharedNetwork = (effort: 'normal' | 'full'): Trial => ({
  ...common('shared-network', 'warm, in the host’s network'),
  pace: pace(effort, { normal: 30, full: 90 }),
  job: ({ root, payload }) => ({ root, payload, network: 'host' }),
});

const inSteps = (effort: 'normal' | 'full'): Trial => ({
  ...common('steps', 'warm, step by step'),
  pace: pace(effort, { normal: 30, full: 90 }),
  refuses: (peer) => (peer.runInSteps === undefined ? 'it has one step only' : undefined),
  sample: async (peer) => {
    const steps = await peer.runInSteps?.();
    return {
      create: (steps?.create ?? NaN) / 1e6,
      start: (steps?.start ?? NaN) / 1e6,
      delete: (steps?.delete ?? NaN) / 1e6,
    };
  },
});

const cold = (effort: 'normal' | 'full'): Trial => ({
  ...common('cold', 'page cache cold'),
  pace: { ...pace(effort, { normal: 60, full: 180 }), warmup: 1, most: 40 },
  prepare: dropCaches,
});

async function sampleStart(peer: Peer): Promise<Values> {
  const [run] = await peer.run(1);
  return run === undefined ? {} : valuesOf(run);
}

function valuesOf({ requested, firstByte, exited, gone, usage, internal }: Run): Values {
  const [user, system] = [(usage?.user ?? 0) / 1000, (usage?.system ?? 0) / 1000];
  return {
    gone: ms(requested, gone),
    ...(firstByte === undefined ? {} : { firstByte: ms(requested, firstByte) }),
    ...(internal === undefined ? {} : { internal: Number(internal) / 1e6 }),
    exited: ms(requested, exited),
    teardown: ms(exited, gone),
    ...(usage === undefined ? {} : { user, system, blocked: Math.max(0, ms(requested, exited) - user - system) }),
    ...(usage?.peak === undefined ? {} : { peak: usage.peak / 1024 }),
  };
}
