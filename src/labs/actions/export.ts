import { hostname, release } from 'node:os';
import type { Desk, LabCommand } from '../desk.ts';
import { Notebook } from '../progress.ts';
import { labFor, labOf } from '../started.ts';

/** Progress for a teacher: with the seed, and the values that were drawn from it, answers can be looked at. */
export function exportProgress(_: readonly string[], __: LabCommand, desk: Desk): number {
  const { seed, labs } = new Notebook(desk.stateHome).read();
  const entries = Object.entries(labs).map(([name, { here: _here, ...progress }]) => {
    const lab = labOf(name, progress, desk);
    const { values } = labFor(lab, seed, desk);
    const drawn = Object.fromEntries(Object.keys(lab.values).map((key) => [key, values[key]]));
    return { lab: name, title: lab.title, values: drawn, ofSteps: lab.steps.map((step) => step.name), ...progress };
  });
  const made = { version: 1, exported: new Date().toISOString(), host: hostname(), kernel: release(), seed };
  desk.print(`${JSON.stringify({ ...made, labs: entries }, null, 2)}\n`);
  return 0;
}
