/** What the rules for a call say, in plain arithmetic: the yardstick for filters. */
import type { ArgComparison, CallRule } from '../../../src/linux/bpf-seccomp.ts';

const compare: Record<ArgComparison['op'], (arg: bigint, a: bigint, b: bigint) => boolean> = {
  NE: (arg, a) => arg !== a,
  LT: (arg, a) => arg < a,
  LE: (arg, a) => arg <= a,
  EQ: (arg, a) => arg === a,
  GE: (arg, a) => arg >= a,
  GT: (arg, a) => arg > a,
  // seccomp_rule_add(3): the datum is masked too.
  MASKED_EQ: (arg, a, b) => (arg & a) === (b & a),
};

/** An unconditional rule decides, then the first whose comparisons all hold. */
export function meaning(rules: readonly CallRule[], args: readonly bigint[], otherwise: number): number {
  const rule =
    rules.find(({ comparisons }) => comparisons.length === 0) ??
    rules.find(({ comparisons }) =>
      comparisons.every(({ index, op, datumA, datumB }) => compare[op](args[index] ?? 0n, datumA, datumB)),
    );
  return rule?.action ?? otherwise;
}

/** Values around which the rules change their minds, and such as the kernel cuts down to 32 bits. */
export function edges(rules: readonly CallRule[]): bigint[] {
  const data = rules.flatMap(({ comparisons }) => comparisons.flatMap(({ datumA, datumB }) => [datumA, datumB]));
  const near = [0n, ...data].flatMap((value) => [value - 1n, value, value + 1n, value | (1n << 32n), ~value]);
  return [...new Set(near.map((value) => BigInt.asUintN(64, value)))];
}
