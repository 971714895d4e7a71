import { expect, test } from 'vitest';
import { type Flag, landing } from '../../../src/cli/flag.ts';
import { matching, truth } from '../../../src/cli/forms/words.ts';
import { readFlags } from '../../../src/cli/read-flags.ts';

interface Draft {
  all: boolean;
  long: boolean;
  size: string[];
}

const flags: readonly Flag<Draft>[] = [
  { name: 'all', short: 'a', help: '', lands: landing(truth, (draft, value) => void (draft.all = value)) },
  { name: 'long', short: 'l', help: '', lands: landing(truth, (draft, value) => void (draft.long = value)) },
  {
    name: 'size',
    short: 's',
    value: 'SIZE',
    repeats: 'always',
    help: '',
    lands: landing(matching(/^[^!]*$/, 'no exclamation'), (draft, value) => void draft.size.push(value)),
  },
];

function read(...argv: string[]) {
  const draft: Draft = { all: false, long: false, size: [] };
  const reading = readFlags(flags, argv, draft, { cwd: '/', env: {} });
  return { ...draft, ...reading, given: [...reading.given] };
}

test.each([
  [['--size', '1'], ['1']],
  [['--size=1'], ['1']],
  [['--size='], ['']],
  [['--size', '--all'], ['--all']],
  [['-s', '1'], ['1']],
  [['-s1'], ['1']],
  [['-s=1'], ['1']],
  [['-s=='], ['=']],
  [
    ['-als1', '-s2'],
    ['1', '2'],
  ],
  [
    ['-as', '--', '-s', ''],
    ['--', ''],
  ],
])('%j reads the sizes %j', (argv, size) => {
  expect(read(...argv)).toMatchObject({ size, problems: [], rest: [] });
});

test('switches stand alone, together, and take no', () => {
  expect(read('-al')).toMatchObject({ all: true, long: true });
  expect(read('-a', '--all=false')).toMatchObject({ problems: ['--all: given both as true and as false'] });
  expect(read('-la=0')).toMatchObject({ all: false, long: true, problems: [] });
  expect(read('--all', 'false')).toMatchObject({ all: true, rest: ['false'] });
});

test('the first word that is no flag ends them, as does --', () => {
  expect(read('-a', 'x', '-l')).toMatchObject({ all: true, long: false, rest: ['x', '-l'], separated: false });
  expect(read('-a', '--', '-l', '--')).toMatchObject({ long: false, rest: ['-l', '--'], separated: true });
  expect(read('-a', '-', '-l')).toMatchObject({ rest: ['-', '-l'], separated: false });
  expect(read('', '-l')).toMatchObject({ rest: ['', '-l'], long: false });
});

test('what a near miss was meant to take is not taken for the rest', () => {
  expect(read('--sise', '1', '-s!', 'x')).toMatchObject({
    problems: ['--sise: no such flag; did you mean --size?', '-s !: not of that form (expected no exclamation)'],
    rest: ['x'],
  });
  expect(read('--lonk', 'x')).toMatchObject({ problems: ['--lonk: no such flag; did you mean --long?'], rest: ['x'] });
});

test('names that every object has are no flags', () => {
  expect(read('--constructor', '--__proto__=1').problems).toEqual([
    '--constructor: no such flag',
    '--__proto__: no such flag',
  ]);
});
