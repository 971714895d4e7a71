import { resolve } from 'node:path';
import type { Desk, LabCommand } from '../desk.ts';
import { describeProblem, readLab } from '../exercises.ts';
import { describeLacks, unmetNeeds } from '../needs.ts';
import { describeLeftOut } from '../possible.ts';
import { playLab } from '../play.ts';

/** What is wrong with a teacher's lab; with `--play` each step is tried untouched, with its mistakes and with its solution. */
export async function lint(words: readonly string[], { play, seed = 1 }: LabCommand, desk: Desk): Promise<number> {
  let fine = true;
  for (const word of words) {
    const { lab, problems } = readLab(resolve(desk.cwd, word));
    for (const problem of problems) desk.print(`${describeProblem(problem)}\n`);
    fine &&= problems.length === 0;
    if (lab === undefined || problems.length > 0) continue;
    desk.print(`${word}: ${lab.steps.length} steps, nothing wrong with its form\n`);
    if (!play) continue;
    for (const line of describeLeftOut(lab)) desk.print(`${word}: ${line}\n`);
    const lacks = unmetNeeds(lab.needs);
    for (const line of describeLacks(lacks)) desk.print(`${word}: cannot be played here: ${line}\n`);
    fine &&= lacks.length === 0;
    if (lacks.length > 0) continue;
    for await (const { step, what, wrong } of playLab(lab, seed, desk)) {
      desk.print(`${wrong === undefined ? 'ok    ' : 'FAILED'}  ${step}: ${what}\n`);
      if (wrong !== undefined) desk.print(`${wrong.replace(/^/gm, '        ')}\n`);
      fine &&= wrong === undefined;
    }
  }
  return fine ? 0 : 1;
}
