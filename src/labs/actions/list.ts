import type { Desk, LabCommand } from '../desk.ts';
import { ownLabs } from '../exercises.ts';
import type { Lab } from '../format.ts';
import { canRunInside } from '../machine.ts';
import { unmetNeeds } from '../needs.ts';
import { describeLeftOut, possible } from '../possible.ts';
import { type LabProgress, Notebook } from '../progress.ts';

export function list(_: readonly string[], { json }: LabCommand, desk: Desk): number {
  const { print, stateHome } = desk;
  const { labs } = new Notebook(stateHome).read();
  const rows = ownLabs().map((lab) => ({
    lab: possible(lab),
    progress: labs[lab.name],
    lacks: unmetNeeds(lab.needs),
    asides: describeLeftOut(lab),
  }));
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
  for (const { lab, progress, lacks, asides } of rows) {
    print(`${String(lab.number ?? '').padStart(2)}  ${lab.title}\n`);
    print(`    ${lab.minutes} minutes; ${describeSteps(lab, progress)}\n`);
    for (const { need, why } of lacks) print(`    not on this machine: needs ${need}: ${why}\n`);
    if (lacks.length > 0 && canRunInside(lacks, desk))
      print(`    in a virtual machine: tare lab run ${lab.number} --machine\n`);
    if (lacks.length === 0) for (const line of asides) print(`    ${line}\n`);
  }
  print('\ntare lab start 1 starts the first; tare lab run 1 does it with a shell below the text.\n');
  return 0;
}

const countPassed = (progress: LabProgress | undefined): number =>
  Object.values(progress?.steps ?? {}).filter(({ passed }) => passed !== undefined).length;

function describeSteps({ steps }: Lab, progress: LabProgress | undefined): string {
  const passed = countPassed(progress);
  if (progress === undefined) return `${steps.length} steps`;
  return passed >= steps.length ? 'done' : `${passed} of ${steps.length} steps done`;
}
