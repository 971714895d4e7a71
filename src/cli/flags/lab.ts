import { type Flag, landing } from '../flag.ts';
import { integer } from '../forms/numbers.ts';
import { matching } from '../forms/words.ts';
import { turn } from '../landings.ts';
import type { LabCommand } from '../../labs/desk.ts';
import { helpFlag } from './other.ts';

/** A command that is being read. */
export interface LabDraft extends LabCommand {
  answer?: string;
  seed?: number;
  json: boolean;
  plain: boolean;
  play: boolean;
  machine: boolean;
  help: boolean;
}

export const labFlags: readonly Flag<LabDraft>[] = [
  {
    name: 'answer',
    value: 'LETTER',
    help: 'check: what you expect, where a step asks.',
    lands: landing(matching(/^[a-z]$/, 'a letter'), (draft, letter) => {
      draft.answer = letter;
    }),
  },
  { name: 'plain', help: 'No colours, nothing that stays in its place: for screen readers.', lands: turn('plain') },
  { name: 'json', help: 'list, status: as JSON.', lands: turn('json') },
  {
    name: 'seed',
    value: 'N',
    help: 'start: what the values of this student are drawn from; made up otherwise.',
    lands: landing(integer({ min: 0, max: 2 ** 31 - 1 }, 'a whole number'), (draft, seed) => {
      draft.seed = seed;
    }),
  },
  { name: 'play', help: 'lint: try each step, untouched, with its mistakes and its solution.', lands: turn('play') },
  {
    name: 'machine',
    help: 'run: in the test machine, a virtual machine that has what this one may lack.',
    lands: turn('machine'),
  },
  helpFlag,
];
