/** What a student reads. */
import type { Desk } from './desk.ts';
import type { Ask, Lab } from './format.ts';
import { ownLabs } from './exercises.ts';
import { fill } from './fill.ts';
import { fold, layOut } from './layout.ts';
import { turnTo } from './pages.ts';
import type { LabProgress } from './progress.ts';
import type { Reply } from './question.ts';
import { currentStep } from './started.ts';
import pc from 'picocolors';

type Page = Pick<Desk, 'columns' | 'colours' | 'guided'>;

export const nameOf = ({ number, name }: Lab): string => (number === undefined ? `Lab ${name}` : `Lab ${number}`);

/** @param asides lines for what is special on this machine */
export function showOpening(lab: Lab, page: Page, asides: readonly string[]): string {
  const { bold } = pc.createColors(page.colours);
  return [
    `${bold(`${nameOf(lab)}: ${lab.title}`)}   (${lab.minutes} minutes)\n\n`,
    layOut(lab.about, page),
    '\n',
    layOut(`To read beside it: ${lab.teaches.join(', ')}.`, page),
    '\n',
    ...asides.map((line) => `${layOut(`- ${line}`, page)}\n`),
  ].join('');
}

/** The step that is next, or the lab's end. */
export function showCurrentStep(lab: Lab, progress: LabProgress | undefined, page: Page): string {
  const index = currentStep(lab, progress);
  return index === undefined ? showEnd(lab, page) : showStep(lab, index, page);
}

function showStep(lab: Lab, index: number, page: Page): string {
  const { bold } = pc.createColors(page.colours);
  const step = lab.steps[index];
  if (step === undefined) return '';
  const { ask } = step;
  const [withoutQuestion, withQuestion] = page.guided ? guidedWords : words;
  return [
    `${bold(`Step ${index + 1} of ${lab.steps.length}: ${step.title}`)}\n\n`,
    layOut(step.say, page),
    ...(ask === undefined ? [] : ['\n', showQuestion(ask, page)]),
    `\n${ask === undefined ? withoutQuestion : withQuestion}\n`,
  ].join('');
}

const words = ['Then: tare lab check', 'Then: tare lab check, which asks for your answer, and measures.'] as const;
const guidedWords = [
  'It is checked at each prompt; lab check says what is missing.',
  'Then: lab answer LETTER, and it is measured.',
] as const;

/** Between what was said of a step and the next one. */
export function showTurn(lab: Lab, progress: LabProgress | undefined, { guided }: Page): string {
  const index = currentStep(lab, progress);
  return guided ? turnTo(index === undefined ? 'what you have seen' : `step ${index + 1}`) : '\n';
}

function showQuestion({ question, options }: Ask, page: Page): string {
  return [
    layOut(question, page),
    '\n',
    ...Object.entries(options).map(([letter, { text }]) => layOut(`${letter}) ${text}`, page, '  ')),
  ].join('');
}

export function showReply(ask: Ask, { chosen, figure, output, rightly, right }: Reply, page: Page): string {
  const rows = output === '' ? '' : `Measured on this machine, just now:\n\n${fold(output, page, '    ')}\n`;
  const verdict = right
    ? `You predicted ${chosen}, and so it is.`
    : `You predicted ${chosen}; this machine says ${rightly}: ${ask.options[rightly]?.text ?? ''}.`;
  return `${rows}${layOut(verdict, page)}\n${layOut(fill(ask.explain, { figure: String(figure) }), page)}`;
}

function showEnd(lab: Lab, page: Page): string {
  const { bold } = pc.createColors(page.colours);
  return [
    `${bold(`${nameOf(lab)} is done.`)}\n\n`,
    `${bold('What you have seen')}\n\n`,
    layOut(lab.seen, page),
    `\n${bold('Who does the same')}\n\n`,
    ...Object.entries(lab.elsewhere).map(([who, what]) => layOut(`- ${who}: ${what}`, page)),
    '\n',
    layOut(`tare lab reset takes away what is left of it on this host. ${whatFollows(lab, page)}`, page),
  ].join('');
}

function whatFollows({ number }: Lab, { guided }: Page): string {
  const next = ownLabs().find((one) => number !== undefined && (one.number ?? 0) > number);
  if (next === undefined) return 'tare lab list shows the others.';
  const leave = guided ? 'Leave this shell with exit; tare lab run' : 'tare lab start';
  return `${leave} ${next.number} is next: ${next.title}.`;
}
