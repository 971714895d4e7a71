import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSize } from '../../../src/spec/size.ts';

test.each([
  ['0', 0],
  ['1024', 1024],
  ['7b', 7],
  ['1k', 1024],
  ['64m', 67_108_864],
  ['64M', 67_108_864],
  ['64mb', 67_108_864],
  ['64MiB', 67_108_864],
  ['1.5g', 1_610_612_736],
  ['2 t', 2_199_023_255_552],
  ['0.3k', 307],
  [4096, 4096],
])('%s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'm', '64x', '-1', '1e3', '64 mm', '.5m', '1.m', '0x10', ' 1', '9999999p', -1, 1.5, NaN])(
  '%j is no size',
  (text) => {
    expect(() => parseSize(text)).toThrow(`read the size '${text}'`);
  },
);

test('the error names the value and the form', () => {
  expect(() => parseSize('64x')).toThrowErrorMatchingInlineSnapshot(
    `[TareError: read the size '64x' (hint: write a number and one of b, k, m, g or t, such as 64m)]`,
  );
});

test('every whole number of bytes is itself, and of mebibytes 1048576 times as many', () => {
  fc.assert(fc.property(fc.nat(), (n) => parseSize(`${n}`) === n && parseSize(`${n}m`) === n * 2 ** 20));
});
