/** Who is compared with whom: each peer does the same thing once when asked, and says how long it took. */
import { performance } from 'node:perf_hooks';
import { randomInt } from 'node:crypto';
import { randomFrom } from '../src/weigh/random.ts';
import { type Contender, takeRounds } from '../src/weigh/runner/rounds.ts';
import type { Job } from '../src/weigh/types/backend.ts';

export interface Peer {
  /** Does it once; nanoseconds. */
  sample(): Promise<number>;
  close(): Promise<void>;
}

export interface Candidate {
  readonly name: string;
  /** Rejects with the reason where it cannot be measured. */
  open(): Promise<Peer>;
}

export interface Sample {
  readonly peer: string;
  readonly round: number;
  /** Its turn within the round. */
  readonly turn: number;
  readonly ns: number;
}

export interface Measured {
  /** Those that were measured, as they were given. */
  readonly peers: readonly string[];
  /** By round. */
  readonly samples: readonly Sample[];
  /** The reasons why some were not measured. */
  readonly missing: ReadonlyMap<string, string>;
}

export interface Pace {
  readonly rounds: number;
  /** Samples of each that are thrown away first. */
  readonly warmup: number;
  /** Milliseconds before each sample: the kernel takes a container's namespaces down after its end, in the background. */
  readonly rest: number;
}

/** Each knows for itself what it runs. */
const nothing: Job = { root: '/', payload: ['true'], network: 'own' };

/** By the runner of `tare weigh`: round by round, in random order; a peer that fails is asked no more. */
export async function compare(candidates: readonly Candidate[], { rounds, ...pace }: Pace): Promise<Measured> {
  const samples: Sample[] = [];
  const trial = {
    name: 'bench',
    title: 'bench',
    pace: { ...pace, least: rounds, most: rounds, budget: Infinity, precision: 0 },
    job: () => nothing,
    sample: async (peer: Awaited<ReturnType<Contender['open']>>) => {
      const [run] = await peer.run(1);
      return { ns: Number((run?.gone ?? 0n) - (run?.requested ?? 0n)) };
    },
  };
  const outcomes = await takeRounds(
    trial,
    { ...nothing, program: undefined, tools: undefined },
    candidates.map(contender),
    {
      random: randomFrom(randomInt(2 ** 31)),
      signal: new AbortController().signal,
      keep: (peer, round, turn, { ns = NaN }) => samples.push({ peer, round, turn, ns }),
      progress: () => undefined,
    },
  );
  const failed = [...outcomes].flatMap(([name, { failure }]) =>
    failure === undefined ? [] : [[name, failure] as const],
  );
  const missing = new Map(failed);
  return { peers: [...outcomes.keys()].filter((name) => !missing.has(name)), samples, missing };
}

function contender(candidate: Candidate): Contender {
  return {
    name: candidate.name,
    open: async () => {
      const peer = await candidate.open();
      return {
        run: async () => {
          const gone = BigInt(Math.round(await peer.sample()));
          return [{ requested: 0n, exited: gone, gone, output: '' }];
        },
        [Symbol.asyncDispose]: async () => peer.close(),
      };
    },
  };
}

/** How long something takes in this process, in ns. */
export async function time(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return (performance.now() - begun) * 1e6;
}
