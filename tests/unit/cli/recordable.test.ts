import { expect, test } from 'vitest';
import { parseRun } from '../../../src/cli/parse-run.ts';
import { recordableOf } from '../../../src/cli/recordable.ts';

const context = { cwd: '/home/ana', env: { HOME: '/home/ana' } };
const keyOf = (...argv: string[]) => recordableOf(argv, parseRun(argv, context))?.key;

test('the key ends with the image; the command may be another next time', () => {
  expect(keyOf('busybox')).toEqual({ words: ['run', 'busybox'], command: 'image' });
  expect(keyOf('busybox', 'echo', '-n')).toEqual({ words: ['run', 'busybox'], command: 'name' });
  expect(keyOf('-e', 'A=b', 'busybox', '/bin/echo')).toEqual({
    words: ['run', '-e', 'A=b', 'busybox'],
    command: 'path',
  });
  expect(keyOf('busybox', '--', 'true')).toEqual({ words: ['run', 'busybox', '--'], command: 'name' });
  expect(keyOf('--', 'busybox', 'true')).toEqual({ words: ['run', '--', 'busybox'], command: 'name' });
});

test.for([
  ['a terminal', ['-t', 'busybox', 'true']],
  ['a variable of the environment', ['-e', 'HOME', 'busybox', 'true']],
  ['the directory it is given in', ['-v', './data:/data', 'busybox', 'true']],
  ['an image in that directory', ['dir:root', 'true']],
  ['a bundle', ['oci:/bundle']],
  ['this machine', ['host', 'true']],
  ['a log', ['--log-level', 'info', 'busybox', 'true']],
  ['an empty command', ['busybox', '']],
  ['a command called --', ['--', 'busybox', '--', 'true']],
] as const)('not with %s', ([, argv]) => {
  expect(keyOf(...argv)).toBeUndefined();
});
