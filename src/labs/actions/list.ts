import type { Desk, LabCommand } from '../desk.ts';
import { ownLabs } from '../exercises.ts';
import type { Lab } from '../format.ts';
import { layOut } from '../layout.ts';
import { lacksForMachine } from '../machine.ts';
import { describeLacks, type Lack, unmetNeeds } from '../needs.ts';
import { leftOut } from '../possible.ts';
import { type LabProgress, Notebook } from '../progress.ts';

export function list(_: readonly string[], { json }: LabCommand, desk: Desk): number {
  const { print, stateHome } = desk;
  const { labs } = new Notebook(stateHome).read();
  const rows = ownLabs().map((lab) => ({ lab, progress: labs[lab.name], lacks: unmetNeeds(lab.needs) }));
  if (json) {
    const entries = rows.map(({ lab: { number, name, title, minutes, needs, steps }, progress, lacks }) => ({
      ...{ number, name, title, minutes, needs },
      steps: steps.length,
      passed: countPassed(progress),
      lacks,
    }));
    print(`${JSON.stringify(entries, null, 2)}\n`);
    return 0;
  }
  const width = Math.max(...rows.map(({ lab }) => lab.title.length));
  for (const { lab, progress, lacks } of rows) {
    const first = `${String(lab.number ?? '').padStart(2)}  ${lab.title.padEnd(width)}  ${lab.minutes} min  `;
    print(`${first}${describeSteps(lab, progress)}\n`);
    for (const line of notesOn(lab, lacks, desk)) print(layOut(line, desk, '    '));
  }
  const next = rows.find(({ lab, progress }) => countPassed(progress) < lab.steps.length)?.lab;
  print(`\n${layOut(next === undefined ? 'All are done.' : howToDo(next), desk)}`);
  return 0;
}

const howToDo = ({ number, title }: Lab): string =>
  `tare lab run ${number} does “${title}”, with a shell below the text; tare lab start ${number} shows the text alone, for a terminal of your own.`;

/** Short, where the test machine has what this one lacks: `start` and `run` say more. */
function notesOn(lab: Lab, lacks: readonly Lack[], desk: Desk): readonly string[] {
  const inMachine = `tare lab run ${lab.number} --machine`;
  const hasMachine = lacksForMachine(lab, desk).length > 0;
  if (lacks.length > 0)
    return hasMachine
      ? [`needs ${lacks.map(({ need }) => need).join(', ')}; in a virtual machine: ${inMachine}`]
      : describeLacks(lacks).map((line) => `not on this machine: ${line}`);
  const out = leftOut(lab);
  if (out.length === 0) return [];
  const needs = new Set(out.flatMap((step) => step.lacks.map(({ need }) => need)));
  const where = hasMachine ? `; all are in a virtual machine: ${inMachine}` : '';
  return [`${out.length} of its steps not here, which need ${[...needs].join(', ')}${where}`];
}

const countPassed = (progress: LabProgress | undefined): number =>
  Object.values(progress?.steps ?? {}).filter(({ passed }) => passed !== undefined).length;

function describeSteps({ steps }: Lab, progress: LabProgress | undefined): string {
  const passed = countPassed(progress);
  if (progress === undefined) return `${steps.length} steps`;
  if (passed === 0) return `started, ${steps.length} steps`;
  return passed >= steps.length ? 'done' : `${passed} of ${steps.length} steps done`;
}
