import { describe, expect, test } from 'vitest';
import { Pages, turnTo } from '../../../src/labs/pages.ts';

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');

describe('pages of a terminal', () => {
  test('what fits, with the prompt below it, does not stop', () => {
    expect(new Pages({ rows: 24, columns: 80 }).add(lines(22))).toBe(lines(22));
  });

  test('what is longer stops before the first line that would push another off', () => {
    expect(new Pages({ rows: 5, columns: 80 }).add(lines(7))).toBe(
      '1\n2\n3\n\v-- Enter goes on --\n4\n5\n6\n\v-- Enter goes on --\n7\n',
    );
  });

  test('a line that wraps takes as many rows as it does, and colours take none', () => {
    const wide = 'x'.repeat(161);
    expect(new Pages({ rows: 5, columns: 80 }).add(`${wide}\n2\n`)).toBe(`${wide}\n\v-- Enter goes on --\n2\n`);
    const coloured = `\u001b[36m${'x'.repeat(78)}\u001b[39m\n`;
    expect(new Pages({ rows: 5, columns: 80 }).add(coloured.repeat(3))).toBe(coloured.repeat(3));
  });

  test('the next text begins on a screen of its own', () => {
    const pages = new Pages({ rows: 5, columns: 80 });
    expect(pages.add(`${lines(3)}${turnTo('step 2')}${lines(3)}`)).toBe(
      '1\n2\n3\n\f-- Enter shows step 2 --\n1\n2\n3\n',
    );
  });

  test('where nobody can press a key, nothing stops', () => {
    const pages = new Pages({ rows: undefined, columns: 80 });
    expect(pages.add(`${lines(100)}${turnTo('step 2')}end`) + pages.end()).toBe(`${lines(100)}\nend\n`);
  });
});
