import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomFrom, shuffled } from '../../../src/weigh/random.ts';
import {
  compareApart,
  compareRounds,
  medianOf,
  orderInterval,
  outliersOf,
  rankSum,
  summarize,
} from '../../../src/weigh/statistics.ts';

const samples = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });

/** Times with a floor and a tail, as a computer's are. */
const times = (count: number, floor: number, random: () => number): number[] =>
  Array.from({ length: count }, () => floor * (1 + 0.1 * -Math.log(1 - random())));

describe('a summary', () => {
  test('orders what it says, whatever the samples', () => {
    fc.assert(
      fc.property(samples, fc.integer(), (values, seed) => {
        const { min, p5, median, p95, p99, max, low, high, count } = summarize(values, randomFrom(seed));
        const order = [min, p5, median, p95, p99, max];
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        expect(count).toBe(values.length);
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(min);
        expect(high).toBeLessThanOrEqual(max);
      }),
      { numRuns: 30 },
    );
  });

  test('is the same for the same samples and the same seed', () => {
    const values = times(50, 3, randomFrom(1));
    expect(summarize(values, randomFrom(2))).toEqual(summarize(values, randomFrom(2)));
  });

  test('of no samples is an error, and not a number', () => {
    expect(() => summarize([], randomFrom(1))).toThrow(RangeError);
  });

  test('has an interval that holds the true median in about 95 of 100 tries', () => {
    const random = randomFrom(11);
    const truth = 3 * (1 + 0.1 * Math.log(2));
    const tries = Array.from({ length: 200 }, () => summarize(times(40, 3, random), random));
    const held = tries.filter(({ low, high }) => low <= truth && truth <= high).length / tries.length;
    expect(held).toBeGreaterThan(0.9);
    expect(held).toBeLessThan(0.99);
  });
});

describe('the interval by order', () => {
  test('is that of the table: of 20 samples the 6th to the 15th', () => {
    const values = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(orderInterval(values)).toEqual({ low: 6, high: 16 });
  });

  test('does not exist for five', () => expect(orderInterval([1, 2, 3, 4, 5])).toBeUndefined());
});

describe('outliers', () => {
  test('are far from the median in units of the median deviation', () => {
    expect(outliersOf([10, 11, 9, 10, 12, 8, 10, 11, 60])).toEqual([8]);
    expect(outliersOf([10, 11, 9, 10, 12, 8, 10, 11])).toEqual([]);
  });

  test('do not exist where most samples are alike', () => expect(outliersOf([1, 1, 1, 1, 9])).toEqual([]));
});

describe('the rank-sum test', () => {
  test('agrees with a published example', () => {
    // Hollander and Wolfe 1973, p. 69: permeability of the human chorioamnion, at term and before. U = 35, p = 0.254.
    const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const before = [1.15, 0.88, 0.9, 0.74, 1.21];
    expect(rankSum(atTerm, before)).toBeCloseTo(0.2544, 4);
  });

  test('approximates where samples are many or have ties', () => {
    const ours = [1, 2, 3, 4, 5, 5];
    const theirs = [6, 7, 8, 9, 10, 11];
    // U = 0 of 36, mean 18; variance 36 / 12 · (13 - 6 / 132) = 38.864: z = 17.5 / 6.2341 = 2.8071.
    expect(rankSum(ours, theirs)).toBeCloseTo(0.005, 4);
  });

  test('finds five beside five apart where none overlaps: 2 of 252 orders', () => {
    expect(rankSum([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12);
    expect(rankSum([1, 3, 5], [2, 4, 6])).toBeCloseTo(14 / 20, 12);
  });

  test('says 1 where all is the same, and next to 0 where nothing is', () => {
    expect(rankSum([1, 1, 1], [1, 1, 1])).toBe(1);
    expect(rankSum(times(30, 1, randomFrom(3)), times(30, 2, randomFrom(4)))).toBeLessThan(1e-6);
  });

  test('is the same from both sides', () => {
    fc.assert(
      fc.property(samples, samples, (one, other) => {
        expect(rankSum(one, other)).toBeCloseTo(rankSum(other, one));
      }),
    );
  });
});

describe('a comparison', () => {
  test('of a backend with itself finds a difference in less than 1 of 50 tries', () => {
    const random = randomFrom(5);
    const verdicts = Array.from({ length: 200 }, () => {
      const [one, other] = [times(40, 3, random), times(40, 3, random)];
      return compareRounds(
        one.map((value, index) => [value, other[index] ?? NaN]),
        random,
      ).verdict;
    });
    expect(verdicts.filter((verdict) => verdict !== 'same').length).toBeLessThanOrEqual(4);
  });

  test('finds a tenth more, by rounds and apart', () => {
    const random = randomFrom(6);
    const [one, other] = [times(60, 3.3, random), times(60, 3, random)];
    const rounds = compareRounds(
      one.map((value, index) => [value, other[index] ?? NaN]),
      random,
    );
    expect(rounds).toMatchObject({ verdict: 'higher' });
    expect(rounds.low).toBeLessThan(rounds.ratio);
    expect(rounds.ratio).toBeCloseTo(medianOf(one) / medianOf(other));
    expect(compareApart(other, one, random)).toMatchObject({ verdict: 'lower' });
  });

  test('by rounds sees through what slows both down', () => {
    const random = randomFrom(8);
    const weather = Array.from({ length: 60 }, () => 1 + 4 * random());
    const pairs = weather.map((slow): [number, number] => [3.3 * slow, 3 * slow]);
    const { low, high } = compareRounds(pairs, random);
    const apart = compareApart(
      pairs.map(([one]) => one),
      pairs.map(([, other]) => other),
      random,
    );
    expect(high - low).toBeLessThan((apart.high - apart.low) / 2);
  });

  test('of nothing with nothing is one', () => {
    expect(
      compareRounds(
        [
          [0, 0],
          [0, 0],
        ],
        randomFrom(1),
      ),
    ).toMatchObject({ ratio: 1, verdict: 'same' });
  });
});

describe('chance', () => {
  test('follows from the seed, and is spread evenly', () => {
    const random = randomFrom(42);
    const dice = Array.from({ length: 6000 }, () => Math.floor(random() * 6));
    for (const side of [0, 1, 2, 3, 4, 5]) {
      const seen = dice.filter((one) => one === side).length;
      expect(Math.abs(seen - 1000)).toBeLessThan(150);
    }
    expect(shuffled([1, 2, 3, 4, 5], randomFrom(9))).toEqual(shuffled([1, 2, 3, 4, 5], randomFrom(9)));
  });

  test('shuffles without loss, into every order', () => {
    const random = randomFrom(3);
    const orders = new Set(Array.from({ length: 200 }, () => shuffled(['a', 'b', 'c'], random).join('')));
    expect([...orders].toSorted()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });
});
