import { isatty } from 'node:tty';
import { isTareError, TareError } from '../../index.ts';
import type { Desk, LabCommand } from '../desk.ts';
import { judge } from '../judge.ts';
import type { Lab } from '../format.ts';
import { findLab } from '../exercises.ts';
import { layOut, showVerdict } from '../layout.ts';
import { lacksForMachine, runInMachine } from '../machine.ts';
import { nameVariable } from '../marker.ts';
import { describeLacks, unmetNeeds } from '../needs.ts';
import { clearing } from '../pages.ts';
import { Notebook } from '../progress.ts';
import { runShell } from '../shell.ts';
import { currentLab, currentStep, recordOf, stepProgress } from '../started.ts';
import { nameOf, showCurrentStep, showOpening, showTurn } from '../texts.ts';
import { check } from './check.ts';
import { hint, solution } from './help.ts';
import { begin } from './start.ts';
import { status } from './status.ts';

const words = `In this shell: lab shows the step again, lab check says what is missing,
lab answer LETTER predicts, lab hint and lab solution help, exit leaves.
Each step is checked before every prompt of this bash. While another program has
the terminal (a container, a guest), use tare lab check in a second one.`;

/** A guided session: the text, a real shell below it, and a check before each prompt. */
export async function run([word = '']: readonly string[], command: LabCommand, desk: Desk): Promise<number> {
  if (!isatty(0) || !isatty(1))
    throw new TareError('lab run: standard input and output are no terminal', {
      hint: 'tare lab start and tare lab check do without one',
    });
  const wanted = findLab(word, desk.didYouMean);
  if (command.machine || (await wantsMachine(wanted, desk))) return runInMachine(wanted, desk);
  const { lab, filled, place, asides } = await begin(word, command, desk);
  const notebook = new Notebook(desk.stateHome);
  using _ = notebook.openSession({ name: lab.name, what: `lab ${lab.name}` });
  const env = { ...desk.env, [nameVariable]: lab.name };
  const guided: Desk = { ...desk, env, guided: true, question: async () => undefined };
  const opening = `${showOpening(filled, guided, asides)}${layOut(words, guided)}`;
  const session = new Session(notebook, command, guided, opening);
  const clears = !command.plain && desk.colours;
  if (clears) desk.print(clearing);
  const label = lab.number === undefined ? 'lab' : `lab ${lab.number}`;
  await runShell({
    place,
    bin: desk.bin,
    env,
    prompt: `\\n${label} \\w \\$ `,
    rows: command.plain ? undefined : desk.rows,
    columns: desk.columns,
    clears,
    answer: (text, print) => session.answer(text, print),
  });
  desk.print(`\n${nameOf(lab)} is left, and what you have passed is kept. tare lab run ${word} goes on;\n`);
  desk.print('tare lab reset takes away what you have started and mounted.\n');
  return 0;
}

/** Where this machine lacks something that the test machine has, whoever sits here is asked. */
async function wantsMachine(lab: Lab, desk: Desk): Promise<boolean> {
  const lacks = lacksForMachine(lab, desk);
  if (lacks.length === 0) return false;
  const whole = unmetNeeds(lab.needs).length > 0;
  desk.print(whole ? 'This machine lacks what the lab needs:\n' : 'Some steps of this lab are not for this machine:\n');
  for (const line of describeLacks(lacks)) desk.print(layOut(`- ${line}`, desk, '  '));
  desk.print(layOut(offer, desk));
  const answer = await desk.question('Boot it, and have the lab there? (y/n) ');
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

const offer =
  'The test machine has all that: a Debian in QEMU. It is built once, in some two minutes, and boots in one, or in seconds where KVM works.';

class Session {
  readonly #notebook: Notebook;
  readonly #command: LabCommand;
  readonly #desk: Desk;
  readonly #opening: string;
  /** Which step was shown last: it may be passed from a second terminal. */
  #shown: number | undefined;

  constructor(notebook: Notebook, command: LabCommand, desk: Desk, opening: string) {
    this.#notebook = notebook;
    this.#command = command;
    this.#desk = desk;
    this.#opening = opening;
  }

  async answer(text: string, print: Desk['print']): Promise<void> {
    try {
      await this.#act(text.split(' ').filter(Boolean), { ...this.#desk, print });
    } catch (error) {
      if (!isTareError(error)) throw error;
      print(`${error.message}\n`);
    }
  }

  async #act([word = 'text', ...more]: readonly string[], desk: Desk): Promise<void> {
    if (word === 'opening') this.#open(desk);
    else if (word === 'prompt') await this.#look(desk);
    else if (word === 'text') this.#show(desk);
    else if (word === 'check') await check(more, this.#command, desk);
    else if (word === 'answer') await check([], { ...this.#command, answer: more[0] }, desk);
    else if (word === 'hint') hint(more, this.#command, desk);
    else if (word === 'solution') solution(more, this.#command, desk);
    else if (word === 'status') status([], this.#command, desk);
    else desk.print(`lab ${word}: no such word here\n${words}\n`);
    const { lab, progress } = currentLab(this.#notebook, desk);
    this.#shown = currentStep(lab, progress);
  }

  #open(desk: Desk): void {
    const { lab, progress } = currentLab(this.#notebook, desk);
    desk.print(`${this.#opening}${showTurn(lab, progress, desk)}${showCurrentStep(lab, progress, desk)}`);
  }

  #show(desk: Desk): void {
    const { lab, progress } = currentLab(this.#notebook, desk);
    desk.print(showCurrentStep(lab, progress, desk));
  }

  /** Says something only when the step is done: then what was seen, and the next one. */
  async #look(desk: Desk): Promise<void> {
    const { lab, progress, host } = currentLab(this.#notebook, desk);
    const index = currentStep(lab, progress);
    if (index !== this.#shown) {
      if (this.#shown !== undefined) desk.print(`\nStep ${this.#shown + 1} was done from another terminal.\n`);
      desk.print(`${showTurn(lab, progress, desk)}${showCurrentStep(lab, progress, desk)}`);
      return;
    }
    const step = index === undefined ? undefined : lab.steps[index];
    if (index === undefined || step === undefined || step.ask !== undefined) return;
    const verdict = await judge(step, host);
    if (!verdict.passed) return;
    const after = this.#notebook.update((all) => {
      const record = recordOf(all, lab);
      stepProgress(record, step.name).passed ??= new Date().toISOString();
      return record;
    });
    desk.print(`\nStep ${index + 1} is done: ${step.title}\n\n${showVerdict(verdict, desk)}`);
    desk.print(`${showTurn(lab, after, desk)}${showCurrentStep(lab, after, desk)}`);
  }
}
