import { expect, test } from 'vitest';
import { parseDiff } from '../../../src/cli/parse-run.ts';
import { splitWords } from '../../../src/cli/split-words.ts';

const context = { cwd: '/here', env: {} };
const parse = (...argv: string[]) => parseDiff(argv, context);

test('two words are two starts, and the flags before them are for both', () => {
  expect(parse('-m', '64m', '--diff', 'busybox', "-u 1000 busybox sh -c 'echo a b'")).toEqual({
    names: ['busybox', "-u 1000 busybox sh -c 'echo a b'"],
    sides: [
      ['-m', '64m', 'busybox'],
      ['-m', '64m', '-u', '1000', 'busybox', 'sh', '-c', 'echo a b'],
    ],
    json: false,
  });
  expect(parse('--json', '--diff', 'a', 'b')).toMatchObject({ sides: [['a'], ['b']], json: true });
  expect(parse('--diff', '--json', '--privileged a', '-t b')).toMatchObject({
    sides: [
      ['--privileged', 'a'],
      ['-t', 'b'],
    ],
    json: true,
  });
});

test('without --diff, or where the page is asked for, there is nothing to compare', () => {
  expect(parse('busybox', 'diff')).toBeUndefined();
  expect(parse('-t', 'busybox', 'tool', '--diff', 'a', 'b')).toBeUndefined();
  expect(parse('--', '--diff')).toBeUndefined();
  expect(parse('--diff', '--help')).toBeUndefined();
});

test('what cannot be compared is named', () => {
  expect(() => parse('--diff', 'busybox')).toThrow('explain: --diff: takes two words, not 1');
  expect(() => parse('--diff', 'a', 'b', 'c')).toThrow('each in quotes where it is more');
  expect(() => parse('--diff', 'a', "'b")).toThrow("explain: 'b: a quote is not closed");
  expect(() => parse('--memroy', '1m', '--diff', 'a', 'b')).toThrow('did you mean --memory?');
});

test('words are split as a shell splits them', () => {
  expect(splitWords(`  a 'b  c' "d \\"e\\" $f" g\\ h "" i'j'k `)).toEqual(['a', 'b  c', 'd "e" $f', 'g h', '', 'ijk']);
  expect(splitWords('')).toEqual([]);
  expect(['a "b', "a 'b", 'a\\'].map(splitWords)).toEqual([undefined, undefined, undefined]);
});
