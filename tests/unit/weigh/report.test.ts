import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareWeighings, differences } from '../../../src/weigh/compare.ts';
import { renderChanges } from '../../../src/weigh/report/changes.ts';
import { renderCsv } from '../../../src/weigh/report/csv.ts';
import { duration, figure } from '../../../src/weigh/report/figures.ts';
import { renderMarkdown } from '../../../src/weigh/report/markdown.ts';
import { renderTerminal } from '../../../src/weigh/report/terminal.ts';
import type { Weighing } from '../../../src/weigh/types/result.ts';

const example = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../fixtures/weigh/example.json'), 'utf8'),
) as Weighing;

/** The same, but with all values of one backend changed. */
const changed = (backend: string, factor: number): Weighing => ({
  ...example,
  questions: example.questions.map((question) => ({
    ...question,
    series: question.series.map((one) => ({
      ...one,
      values: Object.fromEntries(
        Object.entries(one.values).map(([measure, values]) => [
          measure,
          one.backend === backend ? values.map((value) => value * factor) : values,
        ]),
      ),
    })),
  })),
});

test.each([
  [0, '0'],
  [0.0421, '0.042'],
  [0.7841, '0.784'],
  [7.841, '7.84'],
  [78.41, '78.4'],
  [784.1, '784'],
  [78412, '78412'],
  [0.00001, '< 0.001'],
  [-3.14159, '-3.14'],
  [NaN, '–'],
])('%d is printed as %s', (value, text) => expect(figure(value)).toBe(text));

test.each([
  [12.2, '13 s'],
  [119.9, '2 min 0 s'],
  [3700, '1 h 1 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

describe('the terminal’s page', () => {
  const page = renderTerminal(example, { columns: 80, color: false });

  test('is no wider than it may be', () => {
    expect(page.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('reads like this', () => {
    expect(page.split('\n').slice(0, 20).join('\n')).toMatchInlineSnapshot(`
      "start: how long does one take, from the request to the first byte, its exit and
      nothing left?

      page cache warm: request → all gone, ms
                 n  median         95 %   p99  to process (95 %)  first byte   exit
      process   40   0.740  0.734–0.753  1.28                          0.593  0.718
      bwrap     40    4.79    4.69–4.93  7.40  × 6.46 6.29–6.65         3.82   4.57
      tare      40    3.31    3.25–3.36  3.69  × 4.47 4.37–4.53         2.64   3.12
      crun      40    18.6    18.1–18.9  26.9  × 25.1 24.3–25.6         14.3   17.3
      qemu-tcg  12    1740    1731–1777  1866  × 2319 2281–2396         1513   1756

      page cache cold: request → all gone, ms
                n  median       95 %   p99  to process (95 %)   first byte  exit
      process  10    3.44  3.33–3.61  3.78                            2.78  3.20
      bwrap    10    12.5  12.3–13.1  14.4  × 3.63 3.43–3.89          10.1  12.4
      tare     10    8.38  8.16–8.45  8.49  × 2.44 2.30–2.53          6.60  8.12
      crun      4    54.5  53.7–56.4  56.4  × 15.9 14.4–16.5 =        43.1  52.5
      crun ended early: crun: open \`/proc/self/exe\`: Too many open files
      qemu-tcg: not measured: not asked in a quick run
      "
    `);
  });

  test('says what is missing, what failed, and how the machine was', () => {
    expect(page).toContain('podman: not measured: not installed (apt-get install podman)');
    expect(page).toContain('crun ended early: crun: open `/proc/self/exe`: Too many open files');
    expect(page).toContain('qemu-tcg: not measured: not asked in a quick run');
    expect(page).toContain('incomplete, 2 min 32 s');
  });

  test('ends in what was found, and why', () => {
    const told = page.replaceAll(/[\s\u00a0\u2009]+/g, ' ');
    expect(told).toContain(
      'A container starts 526× faster than a virtual machine: 3.31 ms (tare, library) against 1.74 s',
    );
    expect(told).toContain('The machine brings its own kernel, which has to start first: “kernel” alone takes 1.16 s');
    expect(told).toContain('Isolation adds to a start: + 2.57 ms where tare, library starts the program');
  });

  test('says why a question was put to nobody', () => {
    const [first] = example.questions;
    const missing = example.backends.map(({ name }) => ({
      backend: name,
      variant: 'warm',
      reason: 'not as this user',
    }));
    const nobody: Weighing = { ...example, questions: [{ ...first!, series: [], missing }] };
    expect(renderTerminal(nobody, { columns: 80, color: false })).toContain('start: not measured: not as this user\n');
    expect(renderMarkdown(nobody)).toContain('- start: not measured: not as this user\n');
  });

  test('shows more where there is more room', () => {
    const wide = renderTerminal(example, { columns: 160, color: false });
    expect(wide).toContain('peak memory, MiB');
    expect(page).not.toContain('peak memory, MiB');
  });
});

describe('CSV', () => {
  test('has as many fields in each line, one line for each summary', () => {
    const lines = renderCsv(example).trimEnd().split('\r\n');
    expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([21]));
    const summaries = example.questions.flatMap(({ series }) =>
      series.flatMap(({ summaries }) => Object.keys(summaries)),
    );
    expect(lines).toHaveLength(summaries.length + 1);
  });
});

describe('Markdown', () => {
  test('has tables whose rows have as many cells as their heads', () => {
    const tables = renderMarkdown(example)
      .split('\n\n')
      .filter((part) => part.startsWith('|'));
    expect(tables.length).toBeGreaterThan(5);
    for (const table of tables) {
      const cells = table
        .trim()
        .split('\n')
        .map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(new Set(cells).size).toBe(1);
    }
  });
});

describe('two weighings', () => {
  test('that are the same are unchanged', () => {
    const changes = compareWeighings(example, example);
    expect(new Set(changes.map(({ judgement }) => judgement))).toEqual(new Set(['unchanged']));
    expect(changes).toHaveLength(example.questions.flatMap(({ series }) => series).length);
  });

  test('of which one is slower: that is worse, where less is better', () => {
    const changes = compareWeighings(example, changed('tare', 1.5));
    const start = changes.filter(({ question, backend }) => question === 'start' && backend === 'tare');
    expect(start.map(({ judgement }) => judgement)).toEqual(['worse', 'worse']);
    const rate = changes.filter(({ question, backend }) => question === 'rate' && backend === 'tare');
    expect(new Set(rate.map(({ judgement }) => judgement))).toEqual(new Set(['better']));
    expect(changes.filter(({ backend, judgement }) => backend !== 'tare' && judgement !== 'unchanged')).toEqual([]);
    expect(start[0]?.ratio).toBeCloseTo(1.5);
  });

  test('that differ by next to nothing are unchanged, however sure that is', () => {
    const values = (value: number): number[] => Array.from({ length: 200 }, (_, index) => value + index / 1e6);
    const steady = (value: number): Weighing => ({
      ...example,
      questions: example.questions.slice(0, 1).map((question) => ({
        ...question,
        series: question.series.map((one) => ({ ...one, values: { gone: values(value) } })),
      })),
    });
    const [change] = compareWeighings(steady(100), steady(103));
    expect(change).toMatchObject({ verdict: 'higher', judgement: 'unchanged' });
  });

  test('are printed like this', () => {
    const text = renderChanges(compareWeighings(example, changed('bwrap', 0.5)), false);
    expect(text.split('\n').slice(0, 4).join('\n')).toMatchInlineSnapshot(`
      "                        before  after       ratio    95 %
      start, warm   process    0.740  0.740  ms   × 1.00   0.983–1.02   unchanged
      start, warm   bwrap       4.79   2.39  ms   × 0.500  0.481–0.521  better
      start, warm   tare        3.31   3.31  ms   × 1.00   0.978–1.02   unchanged"
    `);
  });

  test('of two machines say so', () => {
    const { machine } = example;
    const other: Weighing = { ...example, machine: { ...machine, kernel: { ...machine.kernel, release: '6.12' } } };
    expect(differences(example, other)).toEqual(['kernel: 6.1.0-18-amd64, now 6.12']);
    expect(differences(example, example)).toEqual([]);
  });
});
