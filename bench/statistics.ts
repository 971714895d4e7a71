/** What many samples say. No mean: one interruption by another process decides it. Pure but for the resampling's dice. */

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  /** Nine of ten samples are below. */
  readonly p90: number;
}

/** How many times as much one peer takes as another, by their medians and by their least. */
export interface Ratio {
  readonly median: number;
  /** 95 % of resampled medians lie within. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
}

/** The value below which a share of the samples lies, interpolated; NaN without samples. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export function summarize(samples: readonly number[]): Summary {
  return {
    count: samples.length,
    min: quantile(samples, 0),
    median: median(samples),
    p90: quantile(samples, 0.9),
  };
}

/**
 * Rounds are resampled whole, so that what was slow for both in the same round stays so (Efron, "Bootstrap methods", 1979).
 *
 * @param times how often
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[], times = 1000): Ratio {
  const rounds = Math.min(ours.length, theirs.length);
  const resampled = Array.from({ length: times }, () => {
    const picks = Array.from({ length: rounds }, () => Math.floor(Math.random() * rounds));
    return median(picks.map((pick) => ours[pick] ?? NaN)) / median(picks.map((pick) => theirs[pick] ?? NaN));
  });
  return {
    median: median(ours) / median(theirs),
    low: quantile(resampled, 0.025),
    high: quantile(resampled, 0.975),
    min: quantile(ours, 0) / quantile(theirs, 0),
  };
}
