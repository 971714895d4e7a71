/**
 * Seccomp filters as classic BPF: from "what happens to call n" to `struct sock_filter[]` (seccomp(2)).
 *
 * A run of calls with one fate is one leaf of a binary tree.
 */
import type { Buffer } from 'node:buffer';
import { type Decision, DecisionGraph, emitDecisions, type Word, whole } from './bpf-decisions.ts';

/** A comparison of an argument as `struct scmp_arg_cmp` holds it. */
export interface ArgComparison {
  /** 0 to 5. */
  readonly index: number;
  readonly op: 'NE' | 'LT' | 'LE' | 'EQ' | 'GE' | 'GT' | 'MASKED_EQ';
  /** The number to compare with, or the mask. */
  readonly datumA: bigint;
  /** For `MASKED_EQ`: the masked argument must equal this one, masked. */
  readonly datumB: bigint;
}

/** One rule for a call: its action (`SECCOMP_RET_`) where all comparisons hold. */
export interface CallRule {
  readonly action: number;
  readonly comparisons: readonly ArgComparison[];
}

/** The calls of one architecture. */
export interface CallTable {
  /** `AUDIT_ARCH_`. */
  readonly arch: number;
  /** The upper halves of arguments are never set, as in 32-bit programs. */
  readonly narrow: boolean;
  /** By number. A rule without comparisons decides; if there is none, the first whose comparisons hold. */
  readonly calls: ReadonlyMap<number, readonly CallRule[]>;
  /** What happens in these ranges to calls without a rule. */
  readonly ranges: readonly CallRange[];
}

/** Both ends included. */
export interface CallRange {
  readonly from: number;
  readonly to: number;
  readonly action: number;
}

/**
 * @param otherwise what happens to a call that no rule meets
 * @param foreign what happens to a call of an architecture without a table
 */
export function assembleFilter(tables: readonly CallTable[], otherwise: number, foreign: number): Buffer {
  const graph = new DecisionGraph();
  const root = tables.reduceRight(
    (next, table) => graph.test(archWord, 'eq', table.arch, numberTree(graph, table, otherwise), next),
    graph.verdict(foreign),
  );
  return emitDecisions(root);
}

const numberWord: Word = { offset: 0, mask: whole };
const archWord: Word = { offset: 4, mask: whole };

interface Run {
  readonly from: number;
  readonly fate: Decision;
}

function numberTree(graph: DecisionGraph, table: CallTable, otherwise: number): Decision {
  const fates = new Map<number, Decision>();
  for (const [number, rules] of table.calls) fates.set(number, fate(graph, rules, table.narrow, otherwise));
  // Where each fate begins, and where it gives way to what lies around it.
  const starts = new Set([0]);
  for (const number of fates.keys()) starts.add(number).add(number + 1);
  for (const { from, to } of table.ranges) starts.add(from).add(to + 1);
  const runs: Run[] = [];
  for (const from of [...starts].sort((a, b) => a - b)) {
    const range = table.ranges.find((each) => each.from <= from && from <= each.to);
    const here = fates.get(from) ?? graph.verdict(range?.action ?? otherwise);
    if (from <= whole && runs.at(-1)?.fate !== here) runs.push({ from, fate: here });
  }
  return balance(graph, runs);
}

function balance(graph: DecisionGraph, runs: readonly Run[]): Decision {
  const middle = runs.length >> 1;
  const run = runs[middle];
  if (run === undefined) throw new RangeError('no runs');
  if (middle === 0) return run.fate;
  return graph.test(
    numberWord,
    'ge',
    run.from,
    balance(graph, runs.slice(middle)),
    balance(graph, runs.slice(0, middle)),
  );
}

function fate(graph: DecisionGraph, rules: readonly CallRule[], narrow: boolean, otherwise: number): Decision {
  const certain = rules.find(({ comparisons }) => comparisons.length === 0);
  if (certain !== undefined) return graph.verdict(certain.action);
  return rules.reduceRight(
    (next, { action, comparisons }) =>
      comparisons.reduceRight(
        (yes, comparison) => compare(graph, comparison, narrow, yes, next),
        graph.verdict(action),
      ),
    graph.verdict(otherwise),
  );
}

/** BPF has 32-bit words, so each comparison is one of upper halves, and one of lower halves if those are equal. */
function compare(
  graph: DecisionGraph,
  comparison: ArgComparison,
  narrow: boolean,
  yes: Decision,
  no: Decision,
): Decision {
  const { index, op, datumA, datumB } = comparison;
  if (op === 'NE') return compare(graph, { ...comparison, op: 'EQ' }, narrow, no, yes);
  if (op === 'LT') return compare(graph, { ...comparison, op: 'GE' }, narrow, no, yes);
  if (op === 'LE') return compare(graph, { ...comparison, op: 'GT' }, narrow, no, yes);
  const mask = op === 'MASKED_EQ' ? datumA : 0xffffffffffffffffn;
  const datum = op === 'MASKED_EQ' ? datumA & datumB : datumA;
  const lower: Word = { offset: 16 + index * 8, mask: lowerHalf(mask) };
  const upper: Word = { offset: 20 + index * 8, mask: narrow ? 0 : upperHalf(mask) };
  const [low, high] = [lowerHalf(datum), upperHalf(datum)];
  const last = lowerTest(graph, lower, op, low, yes, no);
  // A word without bits is 0.
  if (upper.mask === 0) return high === 0 ? last : no;
  const equal = graph.decide(upper, 'eq', high, last, no);
  if (op === 'EQ' || op === 'MASKED_EQ') return equal;
  return graph.decide(upper, 'gt', high, yes, high === 0 ? last : equal);
}

function lowerTest(
  graph: DecisionGraph,
  word: Word,
  op: ArgComparison['op'],
  k: number,
  yes: Decision,
  no: Decision,
): Decision {
  if (op === 'GE') return k === 0 ? yes : graph.test(word, 'ge', k, yes, no);
  if (op === 'GT') return graph.test(word, 'gt', k, yes, no);
  return word.mask === 0 ? yes : graph.test(word, 'eq', k, yes, no);
}

const lowerHalf = (value: bigint): number => Number(value & 0xffffffffn);
const upperHalf = (value: bigint): number => Number(value >> 32n);
