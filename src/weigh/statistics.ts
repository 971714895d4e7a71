/**
 * What many samples say. Nothing here assumes a distribution: times of a computer have a floor, a long tail and lumps, of which
 * a mean and its deviation say little. Samples are never dropped.
 */
import { errorFunction, medianAbsoluteDeviation, quantileSorted } from 'simple-statistics';
import type { Random } from './random.ts';
import type { Comparison, Summary } from './types/result.ts';

/** How often samples are drawn anew: enough for the bounds of a 95 % interval (Efron and Tibshirani 1993, 19.3). */
const resamples = 1000;

/** Beyond it a value is "potentially an outlier" (Iglewicz and Hoaglin 1993, "How to detect and handle outliers", p. 11). */
const farOut = 3.5;

/** 1 in 100 pairs of samples of one distribution differ as much; a difference that is claimed also has its interval clear of 1. */
const unlikely = 0.01;

/** Throws a RangeError where there is no sample. */
export function summarize(samples: readonly number[], random: Random): Summary {
  const sorted = ordered(samples);
  const { low, high } = medianInterval(samples, random);
  return {
    count: sorted.length,
    min: quantileSorted(sorted, 0),
    max: quantileSorted(sorted, 1),
    median: quantileSorted(sorted, 0.5),
    low,
    high,
    p5: quantileSorted(sorted, 0.05),
    p95: quantileSorted(sorted, 0.95),
    p99: quantileSorted(sorted, 0.99),
    outliers: outliersOf(samples),
  };
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** In which 95 % of the medians of resampled samples lie: the percentile method (Efron 1979, "Bootstrap methods"). */
function medianInterval(samples: readonly number[], random: Random): Interval {
  const draw = new Draw(samples);
  return interval(() => draw.median(random));
}

/**
 * The same without dice, from the binomial distribution of how many samples lie below the median (Conover 1999, 3.2; normal
 * approximation): cheap enough to ask after every round. Undefined for fewer than six samples, of which none is so wide.
 */
export function orderInterval(samples: readonly number[]): Interval | undefined {
  const count = samples.length;
  if (count < 6) return undefined;
  const sorted = ordered(samples);
  const reach = (1.96 * Math.sqrt(count)) / 2;
  const below = Math.max(0, Math.floor(count / 2 - reach));
  const above = Math.min(count - 1, Math.ceil(count / 2 + reach));
  return { low: sorted[below] ?? NaN, high: sorted[above] ?? NaN };
}

/** One backend's sample, and the reference's of the same round. */
export type Pair = readonly [ours: number, theirs: number];

/**
 * How many times as much one takes as another, over samples that were taken next to each other. Rounds are resampled whole: what
 * was slow for both in the same round stays so. A ratio of NaN (0 to 0) is 1: both are the same.
 */
export function compareRounds(pairs: readonly Pair[], random: Random): Comparison {
  const ours = pairs.map(([one]) => one);
  const theirs = pairs.map(([, other]) => other);
  const [one, other] = [new Draw(ours), new Draw(theirs)];
  const around = interval(() => {
    const picks = pairs.map(() => pick(pairs.length, random));
    return ratio(one.medianAt(picks), other.medianAt(picks));
  });
  return judged(ratio(medianOf(ours), medianOf(theirs)), around, rankSum(ours, theirs));
}

/** The same of samples that have nothing to do with each other, such as those of two result files. */
export function compareApart(ours: readonly number[], theirs: readonly number[], random: Random): Comparison {
  const [one, other] = [new Draw(ours), new Draw(theirs)];
  const around = interval(() => ratio(one.median(random), other.median(random)));
  return judged(ratio(medianOf(ours), medianOf(theirs)), around, rankSum(ours, theirs));
}

/** Two kinds of evidence, so that many rounds of nothing but noise rarely make a difference of it. */
function judged(ratio: number, { low, high }: Interval, p: number): Comparison {
  const apart = p < unlikely;
  const verdict = apart && high < 1 ? 'lower' : apart && low > 1 ? 'higher' : 'same';
  return { ratio, low, high, p, verdict };
}

/**
 * How likely two samples of one distribution differ as much or more: the two-sided rank-sum test (Wilcoxon 1945; Mann and Whitney
 * 1947). Exact for small samples without ties, of which the normal approximation finds five beside five never far enough apart;
 * else by that approximation, corrected for ties and continuity (Conover 1999, 5.1). 1 where all values are the same.
 */
export function rankSum(ours: readonly number[], theirs: readonly number[]): number {
  const [n, m] = [ours.length, theirs.length];
  const all = [...ours.map((value) => ({ value, own: true })), ...theirs.map((value) => ({ value, own: false }))];
  all.sort((a, b) => a.value - b.value);
  let sum = 0;
  let ties = 0;
  for (let begin = 0; begin < all.length;) {
    let end = begin + 1;
    while (end < all.length && all[end]?.value === all[begin]?.value) end += 1;
    const rank = (begin + 1 + end) / 2;
    for (const { own } of all.slice(begin, end)) if (own) sum += rank;
    ties += (end - begin) ** 3 - (end - begin);
    begin = end;
  }
  if (ties === 0 && n * m <= mostExact) return exactRankSum(sum - (n * (n + 1)) / 2, n, m);
  const count = n + m;
  const variance = ((n * m) / 12) * (count + 1 - ties / (count * (count - 1)));
  if (!(variance > 0)) return 1;
  const distance = Math.max(0, Math.abs(sum - (n * (count + 1)) / 2) - 0.5);
  // The error function is approximated to 1e-7, and may end a hair above 1.
  return Math.min(1, Math.max(0, 1 - errorFunction(distance / Math.sqrt(2 * variance))));
}

/** Beyond 20 beside 20 the approximation is good, and the counts leave a double's 53 bits. */
const mostExact = 400;

/** Of `u`, how often a value of theirs is below one of ours, by counting all orders: Mann and Whitney 1947, as a product of Gauss. */
function exactRankSum(u: number, n: number, m: number): number {
  const ways = new Float64Array(n * m + 1);
  ways[0] = 1;
  for (let own = 1; own <= n; own += 1) {
    for (let at = n * m; at >= m + own; at -= 1) ways[at] = (ways[at] ?? 0) - (ways[at - m - own] ?? 0);
    for (let at = own; at <= n * m; at += 1) ways[at] = (ways[at] ?? 0) + (ways[at - own] ?? 0);
  }
  const all = ways.reduce((sum, count) => sum + count, 0);
  const asFar = ways.subarray(0, Math.min(u, n * m - u) + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * asFar) / all);
}

/** Indices of values whose modified z-score, 0.6745 |x - median| / MAD, is above 3.5 (Iglewicz and Hoaglin 1993, p. 11). */
export function outliersOf(samples: readonly number[]): number[] {
  const middle = medianOf(samples);
  const spread = medianAbsoluteDeviation([...samples]);
  if (spread === 0) return [];
  return samples.flatMap((value, index) => ((0.6745 * Math.abs(value - middle)) / spread > farOut ? [index] : []));
}

/** Samples that are drawn from again and again, with replacement. */
class Draw {
  readonly #samples: readonly number[];
  /** One for all draws: a thousand arrays take longer than a thousand sorts. */
  readonly #drawn: Float64Array;

  constructor(samples: readonly number[]) {
    this.#samples = samples;
    this.#drawn = new Float64Array(samples.length);
  }

  median(random: Random): number {
    return this.#middle(() => pick(this.#drawn.length, random));
  }

  medianAt(picks: readonly number[]): number {
    return this.#middle((index) => picks[index] ?? 0);
  }

  #middle(at: (index: number) => number): number {
    const drawn = this.#drawn;
    for (let index = 0; index < drawn.length; index += 1) drawn[index] = this.#samples[at(index)] ?? NaN;
    drawn.sort();
    const half = Math.floor(drawn.length / 2);
    const upper = drawn[half] ?? NaN;
    return drawn.length % 2 === 1 ? upper : ((drawn[half - 1] ?? NaN) + upper) / 2;
  }
}

export const medianOf = (samples: readonly number[]): number => quantileOf(samples, 0.5);

/** Definition 2 of Hyndman and Fan 1996, "Sample quantiles in statistical packages": a sample, or the mean of two. */
export const quantileOf = (samples: readonly number[], share: number): number =>
  quantileSorted(ordered(samples), share);

/** Sorts numbers as numbers, and in a third of the time that a plain array takes. */
function ordered(samples: readonly number[]): number[] {
  if (samples.length === 0) throw new RangeError('no samples');
  return Array.from(Float64Array.from(samples).sort());
}

function interval(draw: () => number): Interval {
  const drawn = ordered(Array.from({ length: resamples }, draw));
  return { low: quantileSorted(drawn, 0.025), high: quantileSorted(drawn, 0.975) };
}

const pick = (count: number, random: Random): number => Math.floor(random() * count);

function ratio(ours: number, theirs: number): number {
  return ours === theirs ? 1 : ours / theirs;
}
