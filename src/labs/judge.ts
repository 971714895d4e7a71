/** Whether a step is done: its checks, and where it is not, what may have gone wrong. */
import { runChecks } from './checks.ts';
import type { Finding } from './finding.ts';
import type { Step } from './format.ts';
import { obstacles } from './obstacles.ts';
import { type HostReference, World } from './world.ts';

export interface Verdict {
  readonly passed: boolean;
  readonly findings: readonly Finding[];
  /** What the lab says of the mistake that was recognized. */
  readonly mistake?: string;
  /** What on this machine makes such commands fail, errno by errno. */
  readonly obstacles: readonly string[];
}

/** @param step with this student's values */
export async function judge({ check = [], mistakes }: Step, host: HostReference): Promise<Verdict> {
  const world = new World(host);
  const findings = await runChecks(check, world);
  if (check.length > 0 && findings.every(({ passed }) => passed)) return { passed: true, findings, obstacles: [] };
  for (const { when, say } of mistakes) {
    if (when === undefined) continue;
    const signs = await runChecks(when, world);
    if (signs.every(({ passed }) => passed)) return { passed: false, findings, mistake: say, obstacles: [] };
  }
  return { passed: false, findings, obstacles: obstacles() };
}
