/**
 * Every lab, played as no student would: each step untouched, with words, names and files that mean nothing, with its own
 * mistakes, and with its solution. A lab that this machine cannot play says so by its name.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Desk } from '../../src/labs/desk.ts';
import { ownLabs } from '../../src/labs/exercises.ts';
import { unmetNeeds } from '../../src/labs/needs.ts';
import { playLab } from '../../src/labs/play.ts';

const desk: Desk = {
  print: () => {},
  columns: 80,
  colours: false,
  env: process.env,
  cwd: process.cwd(),
  uid: process.geteuid?.() ?? 0,
  stateHome: '/nonexistent',
  bin: join(import.meta.dirname, '../../bin'),
  didYouMean: () => '',
  question: async () => undefined,
};

/** So that a run says which values it was played with. */
const seed = 20_261_128;

const minutes = 60_000;

for (const lab of ownLabs()) {
  const name = `lab ${lab.number}, ${lab.title}`;
  const lacks = unmetNeeds(lab.needs).map(({ need, why }) => `needs ${need}: ${why}`);
  if (lacks.length > 0 && process.env.TARE_MUST_RUN !== '1')
    process.stderr.write(`skipped: ${name}: ${lacks.join('; ')}\n`);

  test.runIf(lacks.length === 0 || process.env.TARE_MUST_RUN === '1')(
    `${name}: each step fails untouched, names mistakes, and passes with its solution`,
    { timeout: 20 * minutes },
    async () => {
      expect(lacks).toEqual([]);
      const wrong: string[] = [];
      let played = 0;
      for await (const { step, what, wrong: problem } of playLab(lab, seed, desk)) {
        played += 1;
        if (problem !== undefined) wrong.push(`${step}: ${what}: ${problem}`);
      }
      expect(wrong).toEqual([]);
      expect(played).toBeGreaterThan(2 * lab.steps.length);
    },
  );
}
