import type { WeighCommand } from '../../weigh/types/command.ts';
import { type Flag, type FlagGroup, type Form, landing } from '../flag.ts';
import { integer } from '../forms/numbers.ts';
import { entrypoint, hostPath } from '../forms/words.ts';
import { turn } from '../landings.ts';
import { helpFlag } from './other.ts';

/** A command that is being read. */
export interface WeighDraft extends WeighCommand {
  quick: boolean;
  full: boolean;
  help: boolean;
}

const names: Form<readonly string[]> = {
  expects: 'names with commas between them, such as process,tare,crun',
  read: (value, complain) => {
    const list = value.split(',');
    if (list.every((name) => name !== '')) return list;
    complain('a name is empty');
    return undefined;
  },
};

/** As `--entrypoint` has it, but words are cut at blanks. */
const words: Form<readonly string[]> = {
  expects: 'a program and its arguments, or a JSON list of them',
  read: (value, complain, context) => {
    const list = value.startsWith('[') ? entrypoint.read(value, complain, context) : value.split(/\s+/).filter(Boolean);
    if (list?.length === 0) complain('empty');
    return list?.length === 0 ? undefined : list;
  },
};

const set = <K extends keyof WeighDraft>(key: K, form: Form<NonNullable<WeighDraft[K]>>): Flag<WeighDraft>['lands'] =>
  landing(form, (draft, value) => {
    draft[key] = value;
  });

const output = (name: string, what: string): Flag<WeighDraft> => ({
  name,
  value: 'FILE',
  help: `Write the result as ${what}.`,
  lands: landing(hostPath, ({ files }, path) => {
    files[name] = path;
  }),
});

export const weighFlags: readonly FlagGroup<WeighDraft>[] = [
  {
    title: 'What is weighed',
    flags: [
      {
        name: 'backends',
        value: 'NAMES',
        help: 'By name or by group (container, vm, qemu-tcg), with commas between; twice: against itself.',
        lands: set('backends', names),
      },
      {
        name: 'suite',
        value: 'NAME',
        help: "A paper's workloads, and its table beside ours: felter2015, nsdi20 or hotcloud19.",
        lands: set('suite', { expects: 'the name of a paper', read: (value) => value }),
      },
      { name: 'payload', value: 'CMD', help: 'What each instance runs.', lands: set('payload', words) },
      {
        name: 'image',
        value: 'IMAGE',
        help: 'Its root: busybox, host or dir:PATH; a small one of our own otherwise.',
        lands: set('image', { expects: 'an image', read: (value) => value }),
      },
    ],
  },
  {
    title: 'How long',
    flags: [
      { name: 'quick', help: 'A look: the start and the memory alone, in some three minutes.', lands: turn('quick') },
      { name: 'full', help: 'Until intervals are narrow: up to an hour.', lands: turn('full') },
      {
        name: 'runs',
        value: 'N',
        help: 'So many rounds, however wide the intervals.',
        lands: set('runs', integer({ min: 1, max: 100_000 }, 'a number of rounds')),
      },
      {
        name: 'seed',
        value: 'N',
        help: 'Of the order within rounds and of the intervals; made up otherwise.',
        lands: set('seed', integer({ min: 0, max: 2 ** 31 - 1 }, 'a whole number')),
      },
    ],
  },
  {
    title: 'Output',
    flags: [
      output('json', 'JSON, with all samples'),
      output('csv', 'CSV, a line for each summary'),
      output('markdown', 'Markdown'),
      output('html', 'a page with charts that needs no network'),
      {
        name: 'compare',
        value: 'OLD.json',
        help: 'Say what is better or worse since; exit with 1 if something is worse.',
        lands: set('compare', hostPath),
      },
      helpFlag,
    ],
  },
];
