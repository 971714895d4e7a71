/** The test machine of this checkout: a virtual machine with what hosts lack. A package without the checkout has none. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../index.ts';
import type { Desk } from './desk.ts';
import type { Lab } from './format.ts';
import { describeLacks, type Lack, unmetNeeds } from './needs.ts';
import { Notebook } from './progress.ts';
import { tagOf } from './seed.ts';
import { runOnTerminal } from './system.ts';

const scriptOf = ({ bin }: Desk): string => join(bin, '../scripts/machine.mjs');

/** Needs that it meets. Whoever lacks KVM has none inside either, unless the emulator gives one; a lab asks again there. */
const metInside = (need: string): boolean =>
  /^(root|userns|overlay|cgroup2|controller:\w+|psi|machine|subids|tool:.+)$/.test(need);

/** Whether these lacks are none in the test machine, and there can be one: root builds it. */
export const canRunInside = (lacks: readonly Lack[], desk: Desk): boolean =>
  process.arch === 'x64' && desk.uid === 0 && existsSync(scriptOf(desk)) && lacks.every(({ need }) => metInside(need));

/** What speaks for it here: lacks of the lab, or of steps that are for such a machine alone. None where it would not help. */
export function lacksForMachine({ needs, steps }: Lab, desk: Desk): readonly Lack[] {
  const own = unmetNeeds(needs);
  const forIt = steps.some((step) => step.needs.includes('machine')) ? unmetNeeds(['machine']) : [];
  const lacks = own.length > 0 ? own : forIt;
  return canRunInside(lacks, desk) ? lacks : [];
}

/** Where its disk lies while it runs; what a killed session has left there goes with the next one, and with `reset`. */
const folderOf = (notebook: Notebook): string => join('/var/cache/tare/labs', tagOf(notebook.read().seed));

/** Its lock, which no lab's can be. */
const session = { name: '.machine', what: 'the test machine' } as const;

/** Boots it, with the lab's guided session at this terminal. Progress is kept where this host keeps it. */
export async function runInMachine(lab: Lab, desk: Desk): Promise<number> {
  if (lab.number === undefined)
    throw new TareError(`lab ${lab.name}: it is a file of yours, which the test machine does not have`);
  if (!canRunInside(unmetNeeds(lab.needs), desk))
    throw new TareError(`run lab ${lab.number} in the test machine: ${whyNot(lab, desk)}`);
  const notebook = new Notebook(desk.stateHome);
  using _ = notebook.openSession(session);
  const folder = clearFolder(notebook);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const words = ['--lab', String(lab.number), '--progress', notebook.folder, '--folder', folder];
    return await runOnTerminal(process.execPath, [scriptOf(desk), ...words]);
  } finally {
    clearFolder(notebook);
  }
}

/** What a killed session has left of the machine. @returns its folder; undefined where there is none, or the machine runs */
export function clearMachine(notebook: Notebook): string | undefined {
  const folder = folderOf(notebook);
  if (!existsSync(folder) || notebook.isOpen(session)) return undefined;
  return clearFolder(notebook);
}

function clearFolder(notebook: Notebook): string {
  const folder = folderOf(notebook);
  rmSync(folder, { recursive: true, force: true });
  return folder;
}

function whyNot({ needs }: Lab, desk: Desk): string {
  if (process.arch !== 'x64') return `it is an x86-64 one, and this host is ${process.arch}`;
  if (desk.uid !== 0) return 'root builds and boots it: sudo -s';
  if (!existsSync(scriptOf(desk))) return 'it is built from a checkout of tare, and this is none';
  return `it lacks the same: ${describeLacks(unmetNeeds(needs).filter(({ need }) => !metInside(need))).join('; ')}`;
}
