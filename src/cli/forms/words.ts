/** Forms whose value is text, a word of a list, or a path. */
import { posix } from 'node:path';
import { didYouMean } from '../../spec/nearest.ts';
import type { Complain, Form } from '../flag.ts';
import { quote } from '../quote.ts';

export const matching = (pattern: RegExp, expects: string, wrong = 'not of that form'): Form<string> => ({
  expects,
  read: (value, complain) => {
    const matches = pattern.test(value);
    if (!matches) complain(wrong);
    return matches ? value : undefined;
  },
});

export const oneOf = <const T extends string>(...words: readonly T[]): Form<T> => ({
  expects: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
  read: (value, complain) => {
    const found = words.find((word) => word === value);
    if (found === undefined) complain(`no such choice${didYouMean(value, words)}`);
    return found;
  },
});

/** As Go's `strconv.ParseBool` has it, and so Docker. */
const yes = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const no = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

export function readTruth(value: string): boolean | undefined {
  if (yes.has(value)) return true;
  return no.has(value) ? false : undefined;
}

export const truth: Form<boolean> = {
  expects: 'true or false',
  read: (value, complain) => {
    const read = readTruth(value);
    if (read === undefined) complain('neither true nor false');
    return read;
  },
};

/** A path of this machine; relative ones start at the working directory. */
export const hostPath: Form<string> = {
  expects: 'a path on this machine',
  read: (value, complain, { cwd }) => {
    if (value === '') complain('empty');
    return value === '' ? undefined : posix.resolve(cwd, value);
  },
};

/** A path in the container, where there is no working directory yet that a relative one could start from. */
export function containerPath(value: string, complain: Complain): string | undefined {
  if (value.startsWith('/')) return posix.resolve(value);
  complain(value === '' ? 'no path in the container' : `the path in the container, ${quote(value)}, must start with /`);
  return undefined;
}

export const absolutePath: Form<string> = { expects: 'an absolute path in the container', read: containerPath };

/** `KEY=VALUE`, cut at the first `=`. */
export const pair = (expects: string): Form<readonly [key: string, value: string]> => ({
  expects,
  read: (value, complain) => {
    const equals = value.indexOf('=');
    if (equals > 0) return [value.slice(0, equals), value.slice(equals + 1)];
    complain(equals < 0 ? 'no =' : 'nothing before the =');
    return undefined;
  },
});

/** A variable of the environment; a name alone is taken from ours, and is no variable where we have none. */
export const variable: Form<string> = {
  expects: 'NAME=VALUE, or NAME to hand on our own',
  read: (value, complain, { env }) => {
    const equals = value.indexOf('=');
    if (equals === 0 || value === '') complain('no name');
    if (equals === 0 || value === '') return undefined;
    if (equals > 0) return value;
    const own = env[value];
    return own === undefined ? undefined : `${value}=${own}`;
  },
};

/** `PROGRAM`, or a JSON list of words as podman takes it; empty for none at all. */
export const entrypoint: Form<readonly string[]> = {
  expects: 'PROGRAM, or a list such as ["sh", "-c"]',
  read: (value, complain) => {
    if (!value.startsWith('[')) return value === '' ? [] : [value];
    const words = parseJson(value);
    if (Array.isArray(words) && words.every((word): word is string => typeof word === 'string')) return words;
    complain('not a JSON list of strings');
    return undefined;
  },
};

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
