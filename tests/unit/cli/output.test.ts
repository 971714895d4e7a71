import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { formatError } from '../../../src/cli/output.ts';
import { TareError } from '../../../src/errors.ts';

const plain = { causes: false, colours: false };
const withCauses = { causes: true, colours: false };

const nested = new TareError('start busybox', {
  errno: 'EPERM',
  hint: 'run as root',
  cause: new TareError('open /dev/fuse', { cause: { code: 5 } }),
});

test('an error is one line', () => {
  expect(formatError(nested, plain)).toBe('tare: start busybox: EPERM (hint: run as root)\n');
});

test('its causes follow, deeper each', () => {
  expect(formatError(nested, withCauses)).toMatchInlineSnapshot(`
    "tare: start busybox: EPERM (hint: run as root)
      caused by open /dev/fuse
        caused by { code: 5 }
    "
  `);
});

test('a list of problems has its hint on a line of its own', () => {
  const error = new TareError('run: 2 problems\n  one\n  two', { hint: 'see tare run --help' });
  expect(formatError(error, plain)).toMatchInlineSnapshot(`
    "tare: run: 2 problems
      one
      two
    hint: see tare run --help
    "
  `);
});

test('an error that is none of ours says so, and where it was thrown when asked', () => {
  const error = new Error('cannot read properties of undefined');
  expect(formatError(error, plain)).toMatchInlineSnapshot(`
    "tare: an error in tare itself: cannot read properties of undefined (hint: --log-level debug shows where)
    "
  `);
  expect(formatError(error, withCauses)).toMatch(/^tare: an error in tare itself: .*\n {2}at .*output\.test\.ts/);
  expect(formatError('text', plain)).toContain("an error in tare itself: 'text'");
});

test('causes that go in circles end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(formatError(error, withCauses)).not.toContain('caused by');
});

test('escape sequences are shown, not obeyed', () => {
  expect(formatError(new TareError('open \x1b[2J\u009b\r'), plain)).toBe('tare: open \\x1b[2J\\x9b\\x0d\n');
});

test('only the prefix is coloured', () => {
  const coloured = formatError(new TareError('no'), { causes: false, colours: true });
  expect(stripVTControlCharacters(coloured)).toBe('tare: no\n');
  expect(coloured).toMatch(/m no\n$/);
});
