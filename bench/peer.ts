/** Who is compared with whom: each peer does the same thing once when asked, and says how long it took. */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

export interface Peer {
  readonly name: string;
  /** Does it once; nanoseconds. */
  sample(): Promise<number>;
  close(): Promise<void>;
}

export interface Candidate {
  readonly name: string;
  /** Rejects with the reason where it cannot be measured. */
  open(): Promise<Omit<Peer, 'name'>>;
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

/** Every round asks every peer once, in a new random order: what the machine does meanwhile hits all alike. */
export async function compare(candidates: readonly Candidate[], pace: Pace): Promise<Measured> {
  const missing = new Map<string, string>();
  const peers: Peer[] = [];
  const samples: Sample[] = [];
  try {
    for (const candidate of candidates) {
      const peer = await candidate.open().catch((error: unknown) => void missing.set(candidate.name, reason(error)));
      if (peer === undefined) continue;
      const named = { name: candidate.name, sample: async () => peer.sample(), close: async () => peer.close() };
      if (await isReady(named, pace.warmup, missing)) peers.push(named);
      else await named.close();
    }
    for (let round = 0; round < pace.rounds; round += 1) {
      for (const [turn, peer] of shuffle(peers).entries()) {
        if (pace.rest > 0) await pause(pace.rest);
        samples.push({ peer: peer.name, round, turn, ns: await peer.sample() });
      }
    }
  } finally {
    for (const peer of peers) await peer.close();
  }
  return { peers: peers.map(({ name }) => name), samples, missing };
}

async function isReady(peer: Peer, warmup: number, missing: Map<string, string>): Promise<boolean> {
  try {
    for (let time = 0; time < warmup; time += 1) await peer.sample();
    return true;
  } catch (error) {
    missing.set(peer.name, reason(error));
    return false;
  }
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
