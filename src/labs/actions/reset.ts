import { bootId } from '../alive.ts';
import type { Desk, LabCommand } from '../desk.ts';
import { findLab } from '../exercises.ts';
import type { Lab } from '../format.ts';
import { clearMachine } from '../machine.ts';
import { Notebook } from '../progress.ts';
import { removeTraces } from '../reset.ts';
import { labFor, labOf } from '../started.ts';
import { hostnamesOf } from '../seed.ts';
import { describeHost } from '../world.ts';

/** Takes away what the labs have made on this host, or one of them. What was passed stays passed. */
export async function reset([word]: readonly string[], _: LabCommand, desk: Desk): Promise<number> {
  const notebook = new Notebook(desk.stateHome);
  const { seed, labs } = notebook.read();
  const chosen: readonly Lab[] =
    word === undefined
      ? Object.entries(labs).map(([name, progress]) => labOf(name, progress, desk))
      : [findLab(word, desk.didYouMean)];
  let left = 0;
  for (const lab of chosen) {
    const { values, place } = labFor(lab, seed, desk);
    const here = labs[lab.name]?.here;
    const host = here?.boot === bootId() ? here.host : describeHost();
    const traces = { place, host, hostnames: hostnamesOf(lab, values), spare: notebook.sessionShells() };
    const removal = await removeTraces(traces);
    for (const what of removal.removed) desk.print(`removed: ${what}\n`);
    for (const what of removal.left) desk.print(`still there: ${what}\n`);
    left += removal.left.length;
    notebook.update((progress) => {
      delete progress.labs[lab.name]?.here;
    });
  }
  const cleared = clearMachine(notebook);
  if (cleared !== undefined) desk.print(`removed: the test machine's folder ${cleared}\n`);
  if (left === 0) desk.print('Nothing of the labs is left on this host; what you have passed is kept.\n');
  return left === 0 ? 0 : 1;
}
