import { expect, test } from 'vitest';
import { didYouMean, nearest } from '../../../src/spec/nearest.ts';

const names = ['CAP_KILL', 'CAP_SYSLOG', 'CAP_SYS_ADMIN'];

test.each([
  ['CAP_KIL', 'CAP_KILL'],
  ['cap_sysadmin', 'CAP_SYS_ADMIN'],
  ['CAP_SYSLOGS', 'CAP_SYSLOG'],
  ['nothing like it', undefined],
  ['', undefined],
])('%s is nearest to %s', (word, name) => {
  expect(nearest(word, names)).toBe(name);
});

test('a hint ends a sentence, or is nothing', () => {
  expect(didYouMean('CAP_KIL', names)).toBe(' (did you mean CAP_KILL?)');
  expect(didYouMean('xyz', names)).toBe('');
});
