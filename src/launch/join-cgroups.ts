/** The groups of cgroup v1: `clone3` can put a child into one of v2 alone, so the child moves to them itself. cgroups(7). */
import { named } from '../linux/flags.ts';
import type { Facts } from './facts.ts';
import type { ProgramBuilder } from './program.ts';

const hints = { ENOSPC: 'a group of cpuset without processors or memory nodes takes nobody: see cpuset.cpus above it' };

/**
 * First of all, so that nothing it does is without limits. A move waits until all processors have seen it coming (an RCU grace period, some
 * ms); of moves in a row only the first does.
 */
export function joinV1Groups({ b, facts }: { b: ProgramBuilder; facts: Pick<Facts, 'v1Groups'> }): void {
  const groups = [...(facts.v1Groups ?? [])];
  for (const [file, group] of groups) b.op(`move to ${group}`, 'write', [file, '0', 1], { min: 1, hints });
  const [first] = groups[0] ?? [];
  const [last] = groups.at(-1) ?? [];
  if (first !== undefined && last !== undefined)
    b.op('let go of these groups', 'close_range', [first, last, named(0, '0')]);
}
