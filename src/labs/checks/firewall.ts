/** `rule`: a rule of nftables, where it is hooked in, and how many packets have met it. */
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { ask } from '../system.ts';
import { scalar } from './shapes.ts';

export const ruleShape = z.strictObject({
  /** A name of `ip netns`. */
  in: z.string(),
  family: z.enum(['ip', 'ip6', 'inet', 'bridge', 'arp', 'netdev']),
  hook: z.enum(['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress']),
  does: z.enum(['accept', 'drop', 'reject', 'masquerade', 'snat', 'dnat']),
  /** What its `counter` has counted, at least. */
  packets: scalar.optional(),
});
export type RuleExpected = z.output<typeof ruleShape>;

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
}

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

export function checkRule(expected: RuleExpected): Finding {
  const { in: namespace, family, hook, does, packets } = expected;
  const { chains, rules } = ruleset(namespace);
  const hookOf = (rule: Rule) =>
    chains.find((one) => one.family === rule.family && one.table === rule.table && one.name === rule.chain)?.hook;
  const fitting = rules.filter(
    (rule) => rule.family === family && hookOf(rule) === hook && rule.expr.some((part) => does in part),
  );
  const counted = fitting.map(packetsOf).toSorted((one, other) => (other ?? -1) - (one ?? -1))[0];
  const all = rules.map((rule) => `${actionOf(rule)} at ${hookOf(rule) ?? 'no hook'} of ${rule.family}`);
  return {
    passed: fitting.length > 0 && (packets === undefined || (counted ?? -1) >= Number(packets)),
    tested: `what rules does nftables have in the network namespace ${namespace}?`,
    expected: `a rule at ${hook} of ${family} that does ${does}${packets === undefined ? '' : `, and has counted ${plural(packets)}`}`,
    saw:
      fitting.length > 0
        ? `such a rule ${counted === undefined ? 'that has no counter' : `that has counted ${plural(counted)}`}`
        : all.join('; ') || 'no rule',
  };
}

function ruleset(namespace: string): { readonly chains: readonly Chain[]; readonly rules: readonly Rule[] } {
  const text = ask('ip', ['netns', 'exec', namespace, 'nft', '-j', 'list', 'ruleset']) ?? '{"nftables":[]}';
  const { nftables } = JSON.parse(text) as { nftables: readonly { readonly chain?: Chain; readonly rule?: Rule }[] };
  return {
    chains: nftables.flatMap(({ chain }) => chain ?? []),
    rules: nftables.flatMap(({ rule }) => rule ?? []),
  };
}

function packetsOf({ expr }: Rule): number | undefined {
  const counter = expr.find((part) => 'counter' in part)?.counter as { packets?: number } | undefined;
  return counter?.packets;
}

const actions = ['accept', 'drop', 'reject', 'masquerade', 'snat', 'dnat'];

const actionOf = ({ expr }: Rule): string => actions.find((action) => expr.some((part) => action in part)) ?? 'a rule';

const plural = (packets: number | string): string => `${packets} ${Number(packets) === 1 ? 'packet' : 'packets'}`;
