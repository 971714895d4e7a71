/**
 * Plays a lab as no student would: every step untouched, with tricks, with its own mistakes, and with its solution. What a lab
 * promises is seen to hold on this machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TareError } from '../index.ts';
import { runScript } from './command.ts';
import type { Desk } from './desk.ts';
import type { Lab, Step } from './format.ts';
import { judge, type Verdict } from './judge.ts';
import { showVerdict } from './layout.ts';
import { makePlace, type Place } from './place.ts';
import { reply } from './question.ts';
import { removeTraces } from './reset.ts';
import { hostnamesOf, type Values } from './seed.ts';
import { busyboxRoot, labFor } from './started.ts';
import { describeHost, type HostReference } from './world.ts';

export interface Played {
  /** `2. A name of your own` */
  readonly step: string;
  readonly what: string;
  /** What is wrong with the lab; undefined where it does what it promises. */
  readonly wrong?: string;
}

/** How long a script's processes may take to be as they should, in ms: under an emulator they are slow. */
const patience = 120_000;

/** So often a mistake is looked at once it was recognized: it must not pass a moment later. In times. */
const looks = 3;

export async function* playLab(plain: Lab, seed: number, desk: Desk): AsyncGenerator<Played> {
  const { lab, values, place } = labFor(plain, seed, desk);
  const player = new Player(lab, plain, values, place, desk);
  try {
    await player.begin();
    for (const index of lab.steps.keys()) yield player.untouched(index);
    for (const index of lab.steps.keys()) yield* player.step(index);
  } finally {
    await player.clear();
  }
}

class Player {
  readonly #lab: Lab;
  readonly #plain: Lab;
  readonly #values: Values;
  readonly #place: Place;
  readonly #desk: Desk;
  readonly #host: HostReference = describeHost();

  constructor(lab: Lab, plain: Lab, values: Values, place: Place, desk: Desk) {
    this.#lab = lab;
    this.#plain = plain;
    this.#values = values;
    this.#place = place;
    this.#desk = desk;
  }

  async begin(): Promise<void> {
    await this.clear();
    makePlace(this.#place, busyboxRoot());
    if (this.#lab.prepare !== undefined) await this.#run(this.#lab.prepare);
  }

  async clear(): Promise<void> {
    const hostnames = hostnamesOf(this.#plain, this.#values);
    const { left } = await removeTraces({ place: this.#place, host: this.#host, hostnames, spare: [] });
    if (left.length > 0) throw new TareError(`reset the lab: still there: ${left.join(', ')}`);
  }

  async untouched(index: number): Promise<Played> {
    const step = this.#step(index);
    const played = { step: title(step, index), what: 'fails untouched' };
    if (step.check === undefined) return played; // without an answer nothing is measured
    return { ...played, ...mustFail(await judge(step, this.#host)) };
  }

  async *step(index: number): AsyncGenerator<Played> {
    const step = this.#step(index);
    const name = title(step, index);
    if (step.check === undefined) {
      yield { step: name, what: 'is measured', ...(await this.#answer(step)) };
      return;
    }
    await this.#run(pretence(this.#values));
    yield { step: name, what: 'is not fooled by words, names and files', ...mustFail(await judge(step, this.#host)) };
    for (const { what, try: attempt, say } of step.mistakes) {
      await this.#return(index);
      await this.#run(attempt);
      yield { step: name, what: `recognizes: ${what}`, ...(await this.#mustSay(step, say)) };
    }
    await this.#return(index);
    const { output } = await this.#run(step.solution);
    yield { step: name, what: 'passes with its solution', ...(await this.#mustPass(step, output)) };
    if (step.ask !== undefined) yield { step: name, what: 'is measured', ...(await this.#answer(step)) };
  }

  /** To where the steps before this one have led, if it goes on from there. */
  async #return(index: number): Promise<void> {
    await this.begin();
    if (this.#step(index).alone) return;
    for (const step of this.#lab.steps.slice(0, index)) {
      if (step.check === undefined) continue;
      await this.#run(step.solution);
      await this.#mustPass(step, '');
    }
  }

  async #answer({ ask }: Step): Promise<Pick<Played, 'wrong'>> {
    if (ask === undefined) return {};
    try {
      const { rightly } = await reply(ask, Object.keys(ask.options)[0] ?? '', {
        place: this.#place,
        bin: this.#desk.bin,
      });
      return rightly === '' ? { wrong: 'no answer is right for what was measured' } : {};
    } catch (error) {
      return { wrong: String(error) };
    }
  }

  /** What is in the background may take its time; and passing is final. */
  async #mustPass(step: Step, output: string): Promise<Pick<Played, 'wrong'>> {
    const deadline = Date.now() + patience;
    for (;;) {
      const verdict = await judge(step, this.#host);
      if (verdict.passed) return {};
      if (Date.now() > deadline) return { wrong: `${describe(verdict)}\nits solution printed:\n${output}` };
      await sleep(20);
    }
  }

  async #mustSay(step: Step, say: string): Promise<Pick<Played, 'wrong'>> {
    const deadline = Date.now() + patience;
    let seen = 0;
    for (;;) {
      const verdict = await judge(step, this.#host);
      if (verdict.passed) return { wrong: 'it passes' };
      if (says(verdict, say)) seen += 1;
      if (seen >= looks) return {};
      if (Date.now() > deadline) return { wrong: `it does not say "${say.trim()}":\n${describe(verdict)}` };
      await sleep(20);
    }
  }

  #step(index: number): Step {
    const step = this.#lab.steps[index];
    if (step === undefined) throw new TareError(`play step ${index + 1}: there is none`);
    return step;
  }

  #run(text: string) {
    return runScript({ text, place: this.#place, bin: this.#desk.bin });
  }
}

const title = (step: Step, index: number): string => `${index + 1}. ${step.title}`;

/** Its own words, or those of the part that failed. */
const says = ({ mistake, findings }: Verdict, text: string): boolean =>
  mistake?.trim() === text.trim() || findings.some(({ passed, saw }) => !passed && saw.includes(text.trim()));

/** A failure says all three things. */
function mustFail(verdict: Verdict): Pick<Played, 'wrong'> {
  if (verdict.passed) return { wrong: `it passes:\n${describe(verdict)}` };
  const { tested, expected, saw } = verdict.findings.at(-1) ?? { tested: '', expected: '', saw: '' };
  return [tested, expected, saw].every((text) => text !== '') ? {} : { wrong: 'it fails without a word' };
}

const describe = (verdict: Verdict): string => showVerdict(verdict, { columns: 80, colours: false });

/** Whatever a lab asks for: printed, as names of files, and as names of processes. */
function pretence(values: Values): string {
  const words = Object.values(values).map((value) => `'${value.replaceAll("'", '')}'`);
  return `
mkdir -p pretence; cd pretence
for word in ${words.join(' ')}; do
  echo "hostname $word uts:[1] pid 1 passed" | tee "$(basename "$word")"
  (exec -a "$word" sleep 600) &
  cp /bin/sleep "./run-$(basename "$word")" && "./run-$(basename "$word")" 600 &
done >/dev/null
`;
}
