/** What a file of the kernel says, held against what it should say. */
import type { Expected } from './shapes.ts';

/** `oom_kill at least 1` */
export function describeExpected(expected: Expected): string {
  if (typeof expected === 'string') return `"${expected}"`;
  const { key, is, not, has, min, max } = expected;
  const parts = [
    is === undefined ? '' : `"${is}"`,
    not === undefined ? '' : `not "${not}"`,
    has === undefined ? '' : `with the word "${has}"`,
    min === undefined ? '' : `at least ${min}`,
    max === undefined ? '' : `at most ${max}`,
  ];
  return `${key === undefined ? '' : `${key} `}${parts.filter(Boolean).join(' and ')}`;
}

export function meets(text: string, expected: Expected): boolean {
  if (typeof expected === 'string') return text.trim() === expected;
  const { is, not, has, min, max } = expected;
  const value = valueOf(text, expected);
  if (value === undefined) return false;
  if (is !== undefined && value !== is) return false;
  if (not !== undefined && value === not) return false;
  if (has !== undefined && !value.split(/\s+/).includes(has)) return false;
  if (min !== undefined && !(Number(value) >= Number(min))) return false;
  return max === undefined || Number(value) <= Number(max);
}

/** What is said of the text: the value that was looked for. */
export function describeText(text: string, expected: Expected): string {
  const value = valueOf(text, expected);
  if (value === undefined) return 'nothing of that name';
  const key = typeof expected === 'string' ? undefined : expected.key;
  return key === undefined ? `"${value}"` : `${key} ${value}`;
}

/** `oom_kill 3` for the key `oom_kill`, `some avg10=0.00 total=17` for `some.total`, all of it without a key. */
function valueOf(text: string, expected: Expected): string | undefined {
  const key = typeof expected === 'string' ? undefined : expected.key;
  if (key === undefined) return text.trim();
  const [first = '', second] = key.split('.');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${first} `));
  if (second === undefined) return line?.slice(first.length + 1).trim();
  return line
    ?.split(' ')
    .find((word) => word.startsWith(`${second}=`))
    ?.slice(second.length + 1);
}
