import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TareError } from '../../index.ts';
import { bootId } from '../alive.ts';
import { runScript } from '../command.ts';
import type { Desk, LabCommand } from '../desk.ts';
import { findLab } from '../exercises.ts';
import type { Lab } from '../format.ts';
import { canRunInside } from '../machine.ts';
import { markerVariable } from '../marker.ts';
import { describeLacks, unmetNeeds } from '../needs.ts';
import { describeLeftOut } from '../possible.ts';
import { makePlace, type Place } from '../place.ts';
import { Notebook } from '../progress.ts';
import { busyboxRoot, currentStep, labFor, recordOf } from '../started.ts';
import { showCurrentStep, showOpening } from '../texts.ts';
import { describeHost } from '../world.ts';

export async function start([word = '']: readonly string[], command: LabCommand, desk: Desk): Promise<number> {
  const { filled, asides } = await begin(word, command, desk);
  const { labs } = new Notebook(desk.stateHome).read();
  desk.print(showOpening(filled, desk, asides));
  desk.print(showCurrentStep(filled, labs[filled.name], desk));
  if (!isOnPath(desk)) desk.print(`\nThe texts say tare, which your shell does not find yet: PATH=${desk.bin}:$PATH\n`);
  return 0;
}

/** Whether a student who types `tare` gets one. */
const isOnPath = ({ env }: Desk): boolean =>
  (env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, 'tare')));

/** Makes the lab the current one, and its place on this host. @throws TareError where the machine lacks what it needs */
export async function begin(word: string, { seed }: Pick<LabCommand, 'seed'>, desk: Desk): Promise<Begun> {
  if (desk.env[markerVariable] !== undefined)
    throw new TareError(`start lab ${word}: this is the shell of a lab already`, { hint: 'leave it first, with exit' });
  const lab = findLab(word, desk.didYouMean);
  refuseUnmet(lab, word, desk);
  const notebook = new Notebook(desk.stateHome);
  const chosen = notebook.update((progress) => {
    if (seed !== undefined && seed !== progress.seed && Object.keys(progress.labs).length > 0)
      throw new TareError(`--seed ${seed}: labs were started with the seed ${progress.seed}`, {
        hint: `move ${notebook.folder} away to begin anew`,
      });
    progress.seed = seed ?? progress.seed;
    return progress.seed;
  });
  const { lab: filled, place } = labFor(lab, chosen, desk);
  const isNew = !existsSync(place.dir);
  await prepare(filled, place, desk);
  const next = notebook.update((progress) => {
    progress.current = lab.name;
    const record = recordOf(progress, lab);
    if (/\.ya?ml$/.test(word)) record.file = fileOf(word, desk);
    if (record.here?.boot !== bootId()) record.here = { boot: bootId(), host: describeHost() };
    return currentStep(filled, record) ?? 0;
  });
  const gone = isNew && next > 0 ? [describeGone(next)] : [];
  return { lab, filled, place, asides: [...describeLeftOut(lab), ...gone] };
}

/** @param passed steps */
const describeGone = (passed: number): string =>
  `you go on with step ${passed + 1}, and what the steps before it had made here is gone: where it builds on that, make it again first; solution 1 and so on show how`;

interface Begun {
  readonly lab: Lab;
  /** With this student's values. */
  readonly filled: Lab;
  readonly place: Place;
  /** What is special on this machine, a line each. */
  readonly asides: readonly string[];
}

const fileOf = (word: string, { cwd }: Desk): string => (word.startsWith('/') ? word : `${cwd}/${word}`);

function refuseUnmet({ title, needs }: Lab, word: string, desk: Desk): void {
  const lacks = unmetNeeds(needs);
  if (lacks.length === 0) return;
  const lines = describeLacks(lacks)
    .map((line) => `\n  ${line}`)
    .join('');
  throw new TareError(`start lab ${word}, ${title}: this machine lacks what it needs${lines}`, {
    hint: canRunInside(lacks, desk)
      ? `tare lab run ${word} --machine does it in a virtual machine of tare's own, which has all that`
      : 'another machine may have it: see Vagrantfile',
  });
}

async function prepare({ prepare: text }: Lab, place: Place, { bin }: Desk): Promise<void> {
  try {
    makePlace(place, busyboxRoot());
  } catch (cause) {
    throw new TareError(`make ${place.dir}`, { errno: (cause as NodeJS.ErrnoException).code ?? '', cause });
  }
  if (text === undefined) return;
  const { status, output } = await runScript({ text, place, bin });
  if (status !== 0) throw new TareError(`prepare the lab: it ended with ${status}:\n${output.trimEnd()}`);
}
