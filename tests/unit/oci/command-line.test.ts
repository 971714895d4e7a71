import { expect, test } from 'vitest';
import { globalFlags, readWords, verbFlags } from '../../../src/oci/command-line.ts';

test('global flags end where the verb begins', () => {
  const words = readWords(
    ['--root', '/r', '--log-format=json', '--debug', 'kill', '--all', 'id'],
    'tare-oci',
    globalFlags,
  );
  expect([words.value('root'), words.value('log-format'), words.has('debug')]).toEqual(['/r', 'json', true]);
  expect(words.operands).toEqual(['kill', '--all', 'id']);
});

test('flags may follow the operands', () => {
  const words = readWords(['id', '--force'], 'delete', verbFlags.delete);
  expect([words.id, words.has('force')]).toEqual(['id', true]);
});

test.each([
  [['--forse', 'id'], 'delete: no such flag as --forse (did you mean force?)'],
  [[], 'delete: 0 operands given (hint: usage: tare-oci delete [FLAGS] ID)'],
  [['a', 'b'], 'delete: 2 operands given (hint: usage: tare-oci delete [FLAGS] ID)'],
  [['--force=7', 'a'], 'delete: --force takes no value'],
])('%j is refused by name', (argv, message) => {
  expect(() => readWords(argv, 'delete', verbFlags.delete)).toThrow(message);
});

test('a number must be one', () => {
  const words = readWords(['--preserve-fds', '-1', 'id'], 'create', verbFlags.create);
  expect(() => words.count('preserve-fds')).toThrow('read --preserve-fds "-1" (hint: it takes a whole number)');
});
