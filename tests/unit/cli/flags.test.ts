import { expect, test } from 'vitest';
import { explainFlags, runFlags, stepFlags, traceFlags } from '../../../src/cli/flags.ts';
import { foreignFlags } from '../../../src/cli/foreign-flags.ts';
import { pages } from '../../../src/cli/pages.ts';
import { verbs } from '../../../src/cli/verbs.ts';

const run = runFlags.flatMap(({ flags }) => flags.map(({ name, short }) => ({ name, short })));
const own = [...explainFlags, ...traceFlags, ...stepFlags].flatMap(({ flags }) => flags.map(({ name }) => name));
const unique = (words: readonly unknown[]) => [...new Set(words)];

test('every flag has a name of its own, and none is said to be missing', () => {
  const names = run.map(({ name }) => name);
  const letters = run.flatMap(({ short }) => short ?? []);
  expect(names).toEqual(unique(names));
  expect(letters).toEqual(unique(letters));
  expect(names.filter((name) => own.includes(name))).toEqual([]);
  expect(foreignFlags.filter(({ name, short }) => names.includes(name) || letters.includes(short ?? '--'))).toEqual([]);
});

test('every verb has a page, and every page a verb', () => {
  expect(Object.keys(pages).sort()).toEqual([...verbs.keys()].sort());
});
