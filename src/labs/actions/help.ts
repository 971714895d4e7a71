import type { Desk, LabCommand } from '../desk.ts';
import { layOut } from '../layout.ts';
import { Notebook, type StepProgress } from '../progress.ts';
import { chooseStep, currentLab, recordOf, stepProgress } from '../started.ts';

export const hint = ([word]: readonly string[], _: LabCommand, desk: Desk): number =>
  help(word, desk, 'hint', (progress) => {
    progress.hints += 1;
  });

export const solution = ([word]: readonly string[], _: LabCommand, desk: Desk): number =>
  help(word, desk, 'solution', (progress) => {
    progress.solution = true;
  });

/** It is remembered that help was asked for, before the step had passed: a teacher may like to know where. */
function help(
  word: string | undefined,
  desk: Desk,
  what: 'hint' | 'solution',
  remember: (progress: StepProgress) => void,
): number {
  const notebook = new Notebook(desk.stateHome);
  const started = currentLab(notebook, desk);
  const { step } = chooseStep(started, word);
  notebook.update((progress) => {
    const found = stepProgress(recordOf(progress, started.lab), step.name);
    if (found.passed === undefined) remember(found);
  });
  desk.print(what === 'hint' ? layOut(step.hint, desk) : step.solution);
  return 0;
}
