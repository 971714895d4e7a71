/** Chance that can be repeated: whoever needs dice is handed some. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** Numbers that follow from the seed alone: SplitMix32, the 32-bit sibling of Steele et al., "Fast splittable …", OOPSLA 2014. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A new order: Fisher and Yates, as in Knuth, TAOCP 2, 3.4.2, algorithm P. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}
