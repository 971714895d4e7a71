/** A lab as a test, played as no student would: untouched, with tricks, with its own mistakes, and with its solution. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Desk } from '../../src/labs/desk.ts';
import type { Lab } from '../../src/labs/format.ts';
import { describeLacks, unmetNeeds } from '../../src/labs/needs.ts';
import { describeLeftOut, possible } from '../../src/labs/possible.ts';
import { playLab } from '../../src/labs/play.ts';

const desk: Desk = {
  print: () => {},
  columns: 80,
  rows: undefined,
  guided: false,
  colours: false,
  env: process.env,
  cwd: process.cwd(),
  uid: process.geteuid?.() ?? 0,
  stateHome: '/nonexistent',
  bin: join(import.meta.dirname, '../../bin'),
  didYouMean: () => '',
  question: async () => undefined,
};

/** Another one each time, so that two runs on one host are two students. TARE_LAB_SEED plays what a run said that it played. */
const seed = Number(process.env.TARE_LAB_SEED ?? randomInt(2 ** 31));

const minutes = 60_000;

export const titleOf = ({ number, title }: Lab): string => `lab ${number}, ${title}`;

/** A lab that this machine cannot play says so by its name; where TARE_MUST_RUN=1 it fails. */
export function testLab(lab: Lab): void {
  const name = titleOf(lab);
  const lacks = describeLacks(unmetNeeds(lab.needs));
  const mustRun = process.env.TARE_MUST_RUN === '1';
  if (lacks.length > 0 && !mustRun) process.stderr.write(`skipped: ${name}: ${lacks.join('; ')}\n`);
  for (const line of describeLeftOut(lab)) process.stderr.write(`${name}: ${line}\n`);
  test.runIf(lacks.length === 0 || mustRun)(
    `${name}: each step fails untouched, names mistakes, and passes with its solution`,
    { timeout: 30 * minutes },
    async () => {
      expect(lacks).toEqual([]);
      const wrong: string[] = [];
      let played = 0;
      for await (const { step, what, wrong: problem } of playLab(lab, seed, desk)) {
        played += 1;
        if (problem !== undefined) wrong.push(`${step}: ${what}: ${problem}`);
      }
      expect(wrong, `played with TARE_LAB_SEED=${seed}`).toEqual([]);
      expect(played).toBeGreaterThan(2 * possible(lab).steps.length - 1);
    },
  );
}

/** Labs on limits want all controllers of cgroup v2, which build hosts seldom have. */
export const wantsMachine = ({ needs }: Lab): boolean => needs.some((need) => need.startsWith('controller:'));

/** Those that break out of something there, and on a host see it hold. */
export const alsoInMachine = ({ steps }: Lab): boolean => steps.some(({ needs }) => needs.includes('machine'));
