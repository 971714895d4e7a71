import { expect, test } from 'vitest';
import { parseEnvFile } from '../../../src/cli/env-file.ts';

const parse = (text: string) => parseEnvFile('vars', text, { HOME: '/root', EMPTY: '' });

test('a variable a line, quotes and trailing spaces kept, as Docker has it', () => {
  const text = '\ufeffA=1\r\n# B=2\n\n  C="3" \nD=4=5 # no comment\n\t# E\nF=\n';
  expect(parse(text)).toEqual(['A=1', 'C="3" ', 'D=4=5 # no comment', 'F=']);
});

test('a name alone is ours to hand on, if we have it', () => {
  expect(parse('HOME\nEMPTY\nUNSET')).toEqual(['HOME=/root', 'EMPTY=']);
});

test('every line that is wrong is named', () => {
  expect(() => parse('=1\nA=1\nexport B=2\nHOME ')).toThrowErrorMatchingInlineSnapshot(
    `[TareError: read --env-file vars: line 1: no name before the =; line 3: a space in the name "export B"; line 4: a space in the name "HOME "]`,
  );
});
