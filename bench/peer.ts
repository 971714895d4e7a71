/** Who is compared with whom: each peer does the same thing once when asked, and says how long it took. */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

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

/**
 * Every round asks every peer once, in a new random order: what the machine does meanwhile hits all alike. A peer that fails
 * is asked no more.
 */
export async function compare(candidates: readonly Candidate[], pace: Pace): Promise<Measured> {
  const peers = new Map<string, Peer>();
  const missing = new Map<string, string>();
  const samples: Sample[] = [];
  const attempt = async <T>(name: string, action: () => Promise<T>): Promise<T | undefined> =>
    action().catch((error: unknown) => void missing.set(name, reason(error)));
  const measured = () => [...peers].filter(([name]) => !missing.has(name));
  try {
    for (const candidate of candidates) {
      await attempt(candidate.name, async () => {
        const peer = await candidate.open();
        peers.set(candidate.name, peer);
        for (let time = 0; time < pace.warmup; time += 1) await peer.sample();
      });
    }
    for (let round = 0; round < pace.rounds; round += 1) {
      for (const [turn, [name, peer]] of shuffle(measured()).entries()) {
        if (pace.rest > 0) await pause(pace.rest);
        const ns = await attempt(name, async () => peer.sample());
        if (ns !== undefined) samples.push({ peer: name, round, turn, ns });
      }
    }
  } finally {
    for (const peer of peers.values()) await peer.close();
  }
  return { peers: measured().map(([name]) => name), samples, missing };
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** How long something takes in this process, in ns. */
export async function time(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return (performance.now() - begun) * 1e6;
}
