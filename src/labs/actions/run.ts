import { isatty } from 'node:tty';
import { isTareError, TareError } from '../../index.ts';
import type { Desk, LabCommand } from '../desk.ts';
import { judge } from '../judge.ts';
import type { Lab } from '../format.ts';
import { findLab } from '../exercises.ts';
import { layOut, showVerdict } from '../layout.ts';
import { canRunInside, runInMachine } from '../machine.ts';
import { describeLacks, unmetNeeds } from '../needs.ts';
import { Notebook } from '../progress.ts';
import { describeLeftOut } from '../possible.ts';
import { runShell } from '../shell.ts';
import { currentLab, currentStep, recordOf, stepProgress } from '../started.ts';
import { nameOf, showCurrentStep, showOpening } from '../texts.ts';
import { check } from './check.ts';
import { hint, solution } from './help.ts';
import { begin } from './start.ts';
import { status } from './status.ts';

const words = `In this shell: lab shows the step again, lab check says what is missing,
lab answer LETTER predicts, lab hint and lab solution help, exit leaves.
Each step is checked before every prompt.`;

/** A guided session: the text, a real shell below it, and a check before each prompt. */
export async function run([word = '']: readonly string[], command: LabCommand, desk: Desk): Promise<number> {
  if (!isatty(0) || !isatty(1))
    throw new TareError('lab run: standard input and output are no terminal', {
      hint: 'tare lab start and tare lab check do without one',
    });
  if (desk.env.TARE_LAB !== undefined)
    throw new TareError('lab run: this is the shell of a lab already', { hint: 'leave it first, with exit' });
  const wanted = findLab(word, desk.didYouMean);
  if (command.machine || (await wantsMachine(wanted, desk))) return runInMachine(wanted, desk);
  const { lab, filled, place } = await begin(word, command, desk);
  const notebook = new Notebook(desk.stateHome);
  using _ = notebook.openSession(lab.name);
  const { columns, colours } = desk;
  const page = { columns, colours };
  const clear = command.plain || !colours ? '' : '\u001b[2J\u001b[H';
  desk.print(`${clear}${showOpening(filled, page, describeLeftOut(lab))}${layOut(words, page)}\n`);
  desk.print(showCurrentStep(filled, notebook.read().labs[lab.name], page));
  desk.print('\n');
  const session = new Session(notebook, command, desk, clear);
  const label = lab.number === undefined ? 'lab' : `lab ${lab.number}`;
  await runShell({
    place,
    bin: desk.bin,
    env: desk.env,
    prompt: `\\n${label} \\w \\$ `,
    answer: (text) => session.answer(text),
  });
  desk.print(`\n${nameOf(lab)} is left, and what you have passed is kept. tare lab run ${word} goes on;\n`);
  desk.print('tare lab reset takes away what you have started and mounted.\n');
  return 0;
}

/** Where this machine lacks something that the test machine has, whoever sits here is asked. */
async function wantsMachine({ needs }: Lab, desk: Desk): Promise<boolean> {
  const lacks = unmetNeeds(needs);
  if (lacks.length === 0 || !canRunInside(lacks, desk)) return false;
  desk.print('This machine lacks what the lab needs:\n');
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
  readonly #clear: string;
  #printed = '';

  constructor(notebook: Notebook, command: LabCommand, desk: Desk, clear: string) {
    this.#notebook = notebook;
    this.#command = command;
    this.#clear = clear;
    this.#desk = { ...desk, print: (text) => (this.#printed += text), question: async () => undefined };
  }

  async answer(text: string): Promise<string> {
    this.#printed = '';
    try {
      await this.#act(text.split(' ').filter(Boolean));
    } catch (error) {
      if (!isTareError(error)) throw error;
      this.#printed += `${error.message}\n`;
    }
    return this.#printed;
  }

  async #act([word = 'text', ...more]: readonly string[]): Promise<void> {
    if (word === 'prompt') await this.#look();
    else if (word === 'text') this.#show();
    else if (word === 'check') await check(more, this.#command, this.#desk);
    else if (word === 'answer') await check([], { ...this.#command, answer: more[0] }, this.#desk);
    else if (word === 'hint') hint(more, this.#command, this.#desk);
    else if (word === 'solution') solution(more, this.#command, this.#desk);
    else if (word === 'status') status([], this.#command, this.#desk);
    else this.#desk.print(`lab ${word}: no such word here\n${words}\n`);
  }

  #show(): void {
    const { lab, progress } = currentLab(this.#notebook, this.#desk);
    this.#desk.print(`${this.#clear}${showCurrentStep(lab, progress, this.#desk)}`);
  }

  /** Says something only when the step is done: then what was seen, and the next one. */
  async #look(): Promise<void> {
    const { lab, progress, host } = currentLab(this.#notebook, this.#desk);
    const index = currentStep(lab, progress);
    const step = index === undefined ? undefined : lab.steps[index];
    if (index === undefined || step === undefined || step.ask !== undefined) return;
    const verdict = await judge(step, host);
    if (!verdict.passed) return;
    const after = this.#notebook.update((all) => {
      const record = recordOf(all, lab);
      stepProgress(record, step.name).passed ??= new Date().toISOString();
      return record;
    });
    this.#desk.print(`${this.#clear}Step ${index + 1} is done: ${step.title}\n\n${showVerdict(verdict, this.#desk)}\n`);
    this.#desk.print(showCurrentStep(lab, after, this.#desk));
  }
}
