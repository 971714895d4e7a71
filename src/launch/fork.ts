/** Where a program becomes two processes: clone(2) returns in both, and the new one skips what the old one has still to do. Pure. */
import type { Op, Program } from './program.ts';

export const forks = (op: Op): boolean => (op.call === 'clone' || op.call === 'clone3') && (op.skip ?? 0) > 0;

/** The ops that the old process makes, at the same time as what follows them runs in the new one. */
export function leftBehind(program: Program): ReadonlySet<number> {
  const behind = new Set<number>();
  program.ops.forEach((op, index) => {
    if (!forks(op)) return;
    for (let next = index + 1; next <= index + (op.skip ?? 0); next += 1) behind.add(next);
  });
  return behind;
}
