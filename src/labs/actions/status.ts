import type { Desk, LabCommand } from '../desk.ts';
import { possible } from '../possible.ts';
import { type LabProgress, Notebook } from '../progress.ts';
import { labOf } from '../started.ts';

/** Which labs were started, and which steps of them are done. */
export function status(_: readonly string[], { json }: LabCommand, desk: Desk): number {
  const { current, labs } = new Notebook(desk.stateHome).read();
  if (json) desk.print(`${JSON.stringify({ current, labs }, null, 2)}\n`);
  else if (Object.keys(labs).length === 0) desk.print('No lab was started; tare lab list shows them.\n');
  else for (const [name, progress] of Object.entries(labs)) printLab(name, progress, name === current, desk);
  return 0;
}

function printLab(name: string, progress: LabProgress, isCurrent: boolean, desk: Desk): void {
  const { number, title, steps } = possible(labOf(name, progress, desk));
  desk.print(`${number === undefined ? name : `Lab ${number}`}: ${title}${isCurrent ? ' (the current one)' : ''}\n`);
  steps.forEach((step, index) => {
    const found = progress.steps[step.name];
    const word = found?.passed === undefined ? 'open' : 'done';
    const failures = found === undefined || found.failures === 0 ? '' : `, ${found.failures} failed checks`;
    const helped = found?.solution ? ', with the solution' : (found?.hints ?? 0) > 0 ? ', with a hint' : '';
    desk.print(`  ${word}  ${index + 1}. ${step.title}${failures}${helped}\n`);
  });
}
