/** A lab that was started on this machine: its texts with this student's values, its place, its progress. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../index.ts';
import { bootId } from './alive.ts';
import type { Desk } from './desk.ts';
import { findLab, loadLab } from './exercises.ts';
import { fill } from './fill.ts';
import type { Lab, Step } from './format.ts';
import { nameVariable } from './marker.ts';
import { possible } from './possible.ts';
import { type Place, placeOf, placeValues } from './place.ts';
import type { LabProgress, Notebook, Progress, StepProgress } from './progress.ts';
import { drawValues, type Values } from './seed.ts';
import type { HostReference } from './world.ts';

export interface Started {
  /** Filled in. */
  readonly lab: Lab;
  readonly values: Values;
  readonly place: Place;
  readonly progress: LabProgress;
  readonly host: HostReference;
}

/** A lab for the student of this seed, whether it was started or not: those of its steps that this machine can do. */
export function labFor(lab: Lab, seed: number, desk: Desk): { lab: Lab; values: Values; place: Place } {
  const place = placeOf(lab, seed, desk);
  const values = { ...drawValues(lab, seed), ...placeValues(place, 'tare', busyboxRoot()) };
  return { lab: fill(possible(lab), values), values, place };
}

/** Where the built-in image was unpacked by the build: beside the bundle, or in `dist` when the sources run as they are. */
export function busyboxRoot(): string {
  const places = ['images/busybox/rootfs', '../../dist/images/busybox/rootfs'].map((path) =>
    join(import.meta.dirname, path),
  );
  return places.find((path) => existsSync(path)) ?? '';
}

/**
 * That of the guided session whose shell this is, or else the one that was started last.
 * @throws TareError where none was started, or not since this machine was booted
 */
export function currentLab(notebook: Notebook, desk: Desk): Started {
  const progress = notebook.read();
  const current = desk.env[nameVariable] ?? progress.current;
  const known = current === undefined ? undefined : progress.labs[current];
  if (current === undefined || known === undefined)
    throw new TareError('no lab was started', { hint: 'tare lab list shows them, tare lab start 1 starts the first' });
  const lab = labOf(current, known, desk);
  const word = String(lab.number ?? known.file ?? lab.name);
  const { here } = known;
  if (here === undefined)
    throw new TareError(`lab ${word} was reset, and not started since`, { hint: `tare lab start ${word} goes on` });
  if (here.boot !== bootId())
    throw new TareError(`this machine was booted since lab ${word} was started`, {
      hint: `tare lab start ${word} goes on where you were`,
    });
  return { ...labFor(lab, progress.seed, desk), progress: known, host: here.host };
}

export const labOf = (name: string, { file }: LabProgress, desk: Desk): Lab =>
  file === undefined ? findLab(name, desk.didYouMean) : loadLab(file);

/** The first that has not passed; undefined when all have. */
export const currentStep = (lab: Lab, progress: LabProgress | undefined): number | undefined => {
  const index = lab.steps.findIndex(({ name }) => progress?.steps[name]?.passed === undefined);
  return index < 0 ? undefined : index;
};

/**
 * The step of this number, which must not lie beyond the current one.
 * @throws TareError that says what to do first
 */
export function chooseStep({ lab, progress }: Started, word: string | undefined): { step: Step; index: number } {
  const current = currentStep(lab, progress) ?? lab.steps.length - 1;
  const index = word === undefined ? current : /^\d+$/.test(word) ? Number(word) - 1 : byName(lab, word);
  const step = lab.steps[index];
  if (step === undefined)
    throw new TareError(`step ${word}: this lab has no such step`, { hint: `it has steps 1 to ${lab.steps.length}` });
  if (index > current)
    throw new TareError(`step ${index + 1} comes after step ${current + 1}, which has not passed yet`, {
      hint: `tare lab check ${current + 1}`,
    });
  return { step, index };
}

const byName = (lab: Lab, word: string): number => lab.steps.findIndex(({ name }) => name === word);

export const stepProgress = (progress: LabProgress, name: string): StepProgress =>
  (progress.steps[name] ??= { failures: 0, hints: 0, solution: false });

/** The record of a lab in a notebook that is being changed. */
export function recordOf(progress: Progress, { name }: Lab): LabProgress {
  return (progress.labs[name] ??= { started: new Date().toISOString(), steps: {} });
}
