/**
 * A trial, round by round: every round asks every backend once, in a new random order. Who fails is asked no more, the others go on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Random, shuffled } from '../random.ts';
import { medianOf, orderInterval } from '../statistics.ts';
import type { Job, Peer } from '../types/backend.ts';
import type { Pace, Stock, Trial, Values } from '../types/workload.ts';

export interface Contender {
  /** `crun`, and `crun#2` where it is measured against itself. */
  readonly name: string;
  /** Why it cannot be asked for this. */
  readonly refuses?: (job: Job) => string | undefined;
  /** What the job's data pass through with it. */
  readonly passes?: (job: Job) => string | undefined;
  /** Rejects with the reason where it cannot be had. */
  open(job: Job): Promise<Peer>;
}

/** What came of one contender. */
export interface Outcome {
  readonly rounds: number[];
  readonly rows: Values[];
  /** Why it ended early. */
  failure?: string;
  /** Why it was never asked. */
  refusal?: string;
  /** What its data pass through. */
  through?: string;
}

export interface Watch {
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Of each sample as soon as it is taken; times are not running. */
  keep(contender: string, round: number, turn: number, values: Values): void;
  /** @param done from 0 to 1 */
  progress(done: number): void;
}

export async function takeRounds(
  trial: Trial,
  stock: Stock,
  contenders: readonly Contender[],
  watch: Watch,
): Promise<ReadonlyMap<string, Outcome>> {
  const job = trial.job(stock);
  const trialRun = new TrialRun(trial, stock, watch);
  try {
    for (const contender of contenders) await trialRun.admit(contender, job);
    await trialRun.measure();
  } finally {
    await trialRun.close();
  }
  return trialRun.outcomes;
}

/** So many times the median of all may a sample take without being asked for less often. */
const patience = 10;

/** With fewer samples than these there is no 95 % interval of a median. */
const fewest = 6;

class TrialRun {
  readonly outcomes = new Map<string, Outcome>();
  readonly #trial: Trial;
  readonly #stock: Stock;
  readonly #watch: Watch;
  readonly #peers = new Map<string, Peer>();
  /** How long the first sample of each took, in ms, all around it included. */
  readonly #durations = new Map<string, number>();

  constructor(trial: Trial, stock: Stock, watch: Watch) {
    this.#trial = trial;
    this.#stock = stock;
    this.#watch = watch;
  }

  async admit(contender: Contender, job: Job): Promise<void> {
    if (this.#watch.signal.aborted) return;
    const { name } = contender;
    const outcome: Outcome = { rounds: [], rows: [] };
    this.outcomes.set(name, outcome);
    if (this.#trial.showsWay === true) outcome.through = contender.passes?.(job);
    const refusal = contender.refuses?.(job);
    if (refusal !== undefined) {
      outcome.refusal = refusal;
      return;
    }
    await this.#attempt(outcome, async () => {
      const peer = await contender.open(job);
      this.#peers.set(name, peer);
      const refusal = this.#trial.refuses?.(peer);
      if (refusal !== undefined) outcome.refusal = refusal;
    });
  }

  async measure(): Promise<void> {
    const { pace } = this.#trial;
    const begun = performance.now();
    const spent = (): number => (performance.now() - begun) / 1000 / pace.budget;
    for (let round = 0 - pace.warmup; round < pace.most; round += 1) {
      if (this.#over(round, spent())) break;
      const done = Math.min(1, Math.max(spent(), round / pace.most));
      this.#watch.progress(Math.max(0, done));
      const due = this.#asked().filter((name) => this.#isDue(name, round, done));
      for (const [turn, name] of shuffled(due, this.#watch.random).entries()) {
        // Whom this leaves out of the round is a matter of chance, and so no matter.
        if (round >= 1 && spent() >= 1) break;
        await this.#sample(name, round, turn);
      }
    }
    this.#watch.progress(1);
  }

  async close(): Promise<void> {
    for (const [name, peer] of this.#peers) {
      const outcome = this.outcomes.get(name) ?? { rounds: [], rows: [] };
      await this.#attempt(outcome, async () => peer[Symbol.asyncDispose]());
    }
  }

  /**
   * Who takes far longer than most is asked less often, or the others would wait for it all the time: for half of the
   * budget, spread over all of it, but often enough for an interval.
   */
  #isDue(name: string, round: number, done: number): boolean {
    if (!this.#durations.has(name)) return true;
    const slow = this.#slow();
    if (!slow.has(name)) return true;
    if (round < 0) return false;
    const { budget, least } = this.#trial.pace;
    const seconds = [...slow.values()].reduce((sum, duration) => sum + duration, 0) / 1000;
    const wanted = Math.min(least, Math.max(fewest, Math.floor(budget / 2 / seconds)));
    return (this.outcomes.get(name)?.rows.length ?? 0) <= wanted * done;
  }

  /** How long a sample of each of them takes, in ms. */
  #slow(): ReadonlyMap<string, number> {
    const durations = this.#asked().flatMap((name): [string, number][] => {
      const duration = this.#durations.get(name);
      return duration === undefined ? [] : [[name, duration]];
    });
    const limit = patience * medianOf(durations.map(([, duration]) => duration));
    return new Map(durations.filter(([, duration]) => duration > limit));
  }

  #asked(): string[] {
    return [...this.outcomes].flatMap(([name, { failure, refusal }]) =>
      failure === undefined && refusal === undefined ? [name] : [],
    );
  }

  async #sample(name: string, round: number, turn: number): Promise<void> {
    const [peer, outcome] = [this.#peers.get(name), this.outcomes.get(name)];
    if (peer === undefined || outcome === undefined || this.#watch.signal.aborted) return;
    await this.#attempt(outcome, async () => {
      await this.#trial.prepare?.();
      await pause(this.#trial.pace.rest);
      const begun = performance.now();
      const values = await this.#trial.sample(peer, this.#stock);
      const took = performance.now() - begun;
      this.#durations.set(name, this.#durations.get(name) ?? took);
      if (round < 0) return;
      outcome.rounds.push(round);
      outcome.rows.push(values);
      this.#watch.keep(name, round, turn, values);
    });
  }

  /** What an interruption makes fail is no failure. */
  async #attempt(outcome: Outcome, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#watch.signal.aborted) outcome.failure ??= error instanceof Error ? error.message : String(error);
    }
  }

  #over(round: number, spent: number): boolean {
    if (this.#watch.signal.aborted || this.#asked().length === 0) return true;
    if (round < 1) return false;
    const { pace } = this.#trial;
    if (spent >= 1) return true;
    const asked = this.#asked().flatMap((name) => this.outcomes.get(name) ?? []);
    return round >= pace.least && asked.every(({ rows }) => isNarrow(rows, pace));
  }
}

/** Of the first measure of each sample, which is the one that answers the question. */
function isNarrow(rows: readonly Values[], { precision }: Pace): boolean {
  const [measure] = Object.keys(rows[0] ?? {});
  const values = rows.flatMap((row) => row[measure ?? ''] ?? []);
  const interval = orderInterval(values);
  if (interval === undefined) return false;
  return (interval.high - interval.low) / 2 <= precision * ((interval.high + interval.low) / 2);
}
