import { readNamespaces, TareError } from '../../index.ts';
import type { Desk, LabCommand } from '../desk.ts';
import type { Finding } from '../finding.ts';
import type { Ask } from '../format.ts';
import { judge } from '../judge.ts';
import { showVerdict } from '../layout.ts';
import { Notebook, type StepProgress } from '../progress.ts';
import { refuseUnknown, reply } from '../question.ts';
import { chooseStep, currentLab, recordOf, type Started, stepProgress } from '../started.ts';
import { showCurrentStep, showReply, showTurn } from '../texts.ts';

/** @returns 0 where the step is done, 1 where it is not */
export async function check([word]: readonly string[], { answer }: LabCommand, desk: Desk): Promise<number> {
  const notebook = new Notebook(desk.stateHome);
  const started = currentLab(notebook, desk);
  refuseInside(started);
  const { step, index } = chooseStep(started, word);
  const heading = `Step ${index + 1} of ${started.lab.steps.length}: ${step.title}\n\n`;
  const remember = (change: (progress: StepProgress) => void) =>
    notebook.update((progress) => change(stepProgress(recordOf(progress, started.lab), step.name)));
  desk.print(heading);
  if (step.check !== undefined) {
    const verdict = await judge(step, started.host);
    desk.print(showVerdict(verdict, desk));
    if (!verdict.passed) {
      remember((progress) => {
        progress.failures += 1;
      });
      desk.print(`\nNot yet. ${desk.guided ? 'lab hint helps' : 'tare lab hint helps, then tare lab check again'}.\n`);
      return 1;
    }
  }
  if (step.ask !== undefined) return askStep(step.ask, answer, started, remember, notebook, desk);
  remember((progress) => {
    progress.passed ??= new Date().toISOString();
  });
  desk.print(goOn(started, notebook, desk));
  return 0;
}

async function askStep(
  ask: Ask,
  given: string | undefined,
  started: Started,
  remember: (change: (progress: StepProgress) => void) => void,
  notebook: Notebook,
  desk: Desk,
): Promise<number> {
  const letters = Object.keys(ask.options).join(', ');
  const chosen = given ?? (await desk.question(`Your answer (${letters}): `))?.trim().toLowerCase();
  if (chosen === undefined || chosen === '') {
    const verdict = { passed: false, findings: [unanswered(letters)], obstacles: [] };
    desk.print(showVerdict(verdict, desk));
    desk.print(`\nNot yet. Predict first: ${desk.guided ? 'lab answer LETTER' : 'tare lab check --answer LETTER'}\n`);
    remember((progress) => {
      progress.failures += 1;
    });
    return 1;
  }
  refuseUnknown(ask, chosen);
  desk.print('It is measured; that may take some seconds.\n\n');
  const found = await reply(ask, chosen, { place: started.place, bin: desk.bin });
  desk.print(showReply(ask, found, desk));
  remember((progress) => {
    progress.passed ??= new Date().toISOString();
    // The first answer is the prediction; what is chosen once the figure is known says nothing.
    progress.answer ??= { chosen, figure: found.figure, right: found.right };
  });
  desk.print(goOn(started, notebook, desk));
  return 0;
}

const unanswered = (letters: string): Finding => ({
  passed: false,
  tested: 'have you said what you expect, before it is measured?',
  expected: `one of the letters ${letters}`,
  saw: 'no answer',
});

function goOn({ lab }: Started, notebook: Notebook, desk: Desk): string {
  const progress = notebook.read().labs[lab.name];
  return `${showTurn(lab, progress, desk)}${showCurrentStep(lab, progress, desk)}`;
}

/** From inside a pid namespace or behind another root, the host's processes cannot be seen. */
function refuseInside({ host }: Started): void {
  const own = readNamespaces();
  for (const kind of ['pid', 'user', 'mnt'] as const) {
    if (own[kind] === host.namespaces[kind]) continue;
    throw new TareError(`check from inside another ${kind} namespace than the lab was started in`, {
      hint: 'leave this shell with exit, or check from a second terminal',
    });
  }
}
