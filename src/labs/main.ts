/** The command `tare lab`: a bundle of its own, as it brings a reader of YAML along. */
import { TareError } from '../index.ts';
import { check } from './actions/check.ts';
import { exportProgress } from './actions/export.ts';
import { hint, solution } from './actions/help.ts';
import { lint } from './actions/lint.ts';
import { list } from './actions/list.ts';
import { scaffold } from './actions/new.ts';
import { reset } from './actions/reset.ts';
import { run } from './actions/run.ts';
import { start } from './actions/start.ts';
import { status } from './actions/status.ts';
import type { Desk, LabCommand } from './desk.ts';

type Action = (words: readonly string[], command: LabCommand, desk: Desk) => number | Promise<number>;

interface Entry {
  readonly action: Action;
  /** How many words may follow, and what they are. */
  readonly takes: readonly [least: number, most: number, what: string];
}

const actions: Readonly<Record<string, Entry>> = {
  list: { action: list, takes: [0, 0, ''] },
  start: { action: start, takes: [1, 1, 'LAB'] },
  run: { action: run, takes: [1, 1, 'LAB'] },
  check: { action: check, takes: [0, 1, '[STEP]'] },
  hint: { action: hint, takes: [0, 1, '[STEP]'] },
  solution: { action: solution, takes: [0, 1, '[STEP]'] },
  reset: { action: reset, takes: [0, 1, '[LAB]'] },
  status: { action: status, takes: [0, 0, ''] },
  export: { action: exportProgress, takes: [0, 0, ''] },
  new: { action: scaffold, takes: [1, 1, 'NAME'] },
  lint: { action: lint, takes: [1, 99, 'FILE...'] },
};

/** @returns 0; 1 where a check fails or a lab's file is wrong */
export async function runLab(command: LabCommand, desk: Desk): Promise<number> {
  const [word = 'list', ...words] = command.words;
  const entry = Object.hasOwn(actions, word) ? actions[word] : undefined;
  if (entry === undefined)
    throw new TareError(`lab ${word}: no such action${desk.didYouMean(word, Object.keys(actions))}`, {
      hint: 'see tare lab --help',
    });
  const [least, most, what] = entry.takes;
  if (words.length < least || words.length > most)
    throw new TareError(`lab ${word}: ${words.length < least ? 'a word is missing' : 'too many words'}`, {
      hint: `tare lab ${word} ${what}`.trimEnd(),
    });
  return entry.action(words, command, desk);
}
