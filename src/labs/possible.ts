/** Steps with needs of their own are left out where these are unmet; what is left can be done on this machine. */
import type { Lab, Step } from './format.ts';
import { describeLacks, type Lack, unmetNeeds } from './needs.ts';

interface LeftOut {
  readonly step: Step;
  readonly lacks: readonly Lack[];
}

const leftOut = ({ steps }: Lab): readonly LeftOut[] =>
  steps.map((step) => ({ step, lacks: unmetNeeds(step.needs) })).filter(({ lacks }) => lacks.length > 0);

export function possible(lab: Lab): Lab {
  const out = new Set(leftOut(lab).map(({ step }) => step));
  return { ...lab, steps: lab.steps.filter((step) => !out.has(step)) };
}

/** A line for each step that is left out, with the reason. */
export const describeLeftOut = (lab: Lab): readonly string[] =>
  leftOut(lab).map(({ step, lacks }) => `left out on this machine: ${step.title} (${describeLacks(lacks).join('; ')})`);
