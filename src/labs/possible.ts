/** Steps with needs of their own are left out where these are unmet; what is left can be done on this machine. */
import type { Lab, Step } from './format.ts';
import { describeLacks, type Lack, unmetNeeds } from './needs.ts';

interface LeftOut {
  readonly step: Step;
  readonly lacks: readonly Lack[];
}

export const leftOut = ({ steps }: Lab): readonly LeftOut[] =>
  steps.map((step) => ({ step, lacks: unmetNeeds(step.needs) })).filter(({ lacks }) => lacks.length > 0);

export function possible(lab: Lab): Lab {
  const out = new Set(leftOut(lab).map(({ step }) => step));
  return { ...lab, steps: lab.steps.filter((step) => !out.has(step)) };
}

/** A line for each reason, with the steps that are left out for it. */
export function describeLeftOut(lab: Lab): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { step, lacks } of leftOut(lab)) {
    const reason = describeLacks(lacks).join('; ');
    byReason.set(reason, [...(byReason.get(reason) ?? []), step.title]);
  }
  return [...byReason].map(([reason, titles]) => `left out on this machine: ${titles.join('; ')} (${reason})`);
}
