import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { findLab, ownLabs, readLab, templateFile } from '../../../src/labs/exercises.ts';
import { fill, placeholders } from '../../../src/labs/fill.ts';
import type { Lab } from '../../../src/labs/format.ts';
import { layOut } from '../../../src/labs/layout.ts';
import { placeOf, placeValues } from '../../../src/labs/place.ts';
import { drawValues } from '../../../src/labs/seed.ts';
import { didYouMean } from '../../../src/spec/nearest.ts';

/** What is said of the template with a change in it. */
function problemsWith(change: (text: string) => string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tare-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'lab.yaml');
  const text = readFileSync(templateFile, 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  writeFileSync(file, changed);
  return readLab(file).problems.map(({ line, what }) => `${text.split('\n')[line - 1]?.trim()} → ${what}`);
}

test('all labs, and what a teacher begins with, are well formed', () => {
  expect(ownLabs().length).toBeGreaterThan(0);
  expect(readLab(templateFile).problems).toEqual([]);
});

test('each of our labs has a mistake that it recognizes, and a question', () => {
  const without = ownLabs().filter(
    ({ steps }) => !steps.some(({ mistakes }) => mistakes.length > 0) || !steps.some(({ ask }) => ask !== undefined),
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});

test('our labs have numbers of their own, and those of the network to come are free', () => {
  const numbers = ownLabs().map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers.filter((number) => number === undefined || number > 12)).toEqual([]);
});

/** As a student of this seed reads it, whose checkout is in their home. */
function labOf(lab: Lab, seed: number) {
  const place = placeOf(lab, seed, { uid: 0, env: {} });
  const root = '/home/student/tare/dist/images/busybox/rootfs';
  return fill(lab, { ...drawValues(lab, seed), ...placeValues(place, 'tare', root) });
}

test('what a student reads fits into 80 columns, commands with their values too', () => {
  const wide = ownLabs().flatMap((lab) =>
    labOf(lab, 1).steps.flatMap(({ name, say, hint, solution }) =>
      [layOut(say, { columns: 80, colours: false }), layOut(hint, { columns: 80, colours: false }), solution]
        .flatMap((text) => text.split('\n'))
        .filter((line) => line.length > 80)
        .map((line) => `lab ${lab.number}, ${name}: ${line}`),
    ),
  );
  expect(wide).toEqual([]);
});

test('what a check looks for is another thing for each student: an answer that is passed on fits nowhere', () => {
  const alike = ownLabs().flatMap((lab) => {
    const [one, other] = [labOf(lab, 1), labOf(lab, 2)];
    return one.steps
      .filter(({ check }, index) => check !== undefined && isDeepStrictEqual(check, other.steps[index]?.check))
      .map(({ name }) => `lab ${lab.number}, ${name}`);
  });
  expect(alike).toEqual([]);
});

test('what is wrong is said with its line', () => {
  expect(problemsWith((text) => text.replace('minutes: 10', 'minutes: soon'))).toEqual([
    'minutes: 10 → minutes: Invalid input: expected number, received string',
  ]);
  expect(problemsWith((text) => text.replace('[root,', '[rooot,'))).toEqual([
    "needs: [root, 'tool:unshare'] → rooot: not a need that is known",
  ]);
  expect(problemsWith((text) => text.replace("hostname: '{{host}}'", "hostname: '{{hots}}'"))).toEqual([
    '- name: name → {{hots}}: no value of that name',
  ]);
  expect(problemsWith((text) => text.replace('own: [uts]', 'own: [utc]'))[0]).toMatch(/^- process: .*Invalid option/);
  expect(problemsWith((text) => text.replace('min: 2', 'min: 3'))).toEqual([
    expect.stringContaining('the answers leave room between them'),
  ]);
  expect(problemsWith((text) => text.replace('name: cost', 'name: name'))).toEqual([
    '- name: cost → name: an earlier step has this name',
  ]);
  expect(problemsWith((text) => text.replace('unshare --uts bash\n', `unshare ${'x'.repeat(80)}\n`))).toEqual([
    expect.stringContaining('wider than 76 characters'),
  ]);
  expect(problemsWith((text) => text.replace('unshare --uts bash\n', 'unshare --uts bash <<END\n'))).toEqual([
    expect.stringContaining('a here-document, which does not end when it is pasted'),
  ]);
  expect(problemsWith((text) => text.replace('name: name', 'name: name\n    needs: [nothing]'))).toEqual([
    expect.stringContaining('nothing: not a need that is known'),
  ]);
  expect(problemsWith((text) => text.replace('title: A name', 'title: "A name'))[0]).toMatch(/quote|"/);
});

test('values are the same for a seed, and others for another', () => {
  const lab = {
    name: 'some',
    values: {
      host: { word: 'host' as const },
      other: { word: 'host' as const },
      limit: { from: 16, to: 64, step: 8 },
      bytes: { of: 'limit', times: 2 ** 20, plus: 0 },
      size: { pick: [1, 2, 3] },
    },
  };
  const drawn = drawValues(lab, 7);
  expect(drawn).toEqual(drawValues(lab, 7));
  expect(drawn.host).toMatch(/^[a-z]+-\d{3}$/);
  expect(drawn.host).not.toBe(drawn.other);
  expect(Number(drawn.bytes)).toBe(Number(drawn.limit) * 2 ** 20);
  expect([16, 24, 32, 40, 48, 56, 64]).toContain(Number(drawn.limit));
  const hosts = Array.from({ length: 50 }, (_, seed) => drawValues(lab, seed).host);
  expect(new Set(hosts).size).toBeGreaterThan(45);
});

test('placeholders are filled in everywhere, and an unknown one stays to be seen', () => {
  const value = { '{{a}}': ['{{b}} {{a}}', 3, { deep: '{{c}}' }] };
  expect([...placeholders(value)]).toEqual(['a', 'b', 'c']);
  expect(fill(value, { a: '1', b: '2' })).toEqual({ 1: ['2 1', 3, { deep: '{{c}}' }] });
});

test('an unknown lab is answered with the nearest', () => {
  expect(() => findLab('become-pid-2', didYouMean)).toThrow(
    /become-pid-2: there is none .*did you mean become-pid-1\?/,
  );
  expect(() => findLab('missing.yaml', didYouMean)).toThrow(/missing\.yaml: ENOENT/);
});
