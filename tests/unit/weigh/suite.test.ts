/** A paper's table beside ours: with the example in the place of a run. */
import { describe, expect, test } from 'vitest';
import { publications } from '../../../src/weigh/anchors.ts';
import { choose } from '../../../src/weigh/choose.ts';
import { besideOf } from '../../../src/weigh/report/beside.ts';
import { suiteMarkdown, suiteTerminal } from '../../../src/weigh/report/suite.ts';
import { suites } from '../../../src/weigh/suites.ts';
import { questionNames } from '../../../src/weigh/types/question.ts';
import type { Weighing } from '../../../src/weigh/types/result.ts';
import { workloads } from '../../../src/weigh/workloads.ts';
import { example } from './page/example.ts';

const page = { columns: 100, color: false };
const suite = (name: string) => suites.find((one) => one.name === name)!;
const anchor = (name: string, subject: string) =>
  suite(name).publication.anchors.find((one) => one.subject === subject)!;
const said = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('a suite', () => {
  test.each(suites)('$name asks for what there is, and its figures are of questions it asks', (one) => {
    expect(questionNames).toEqual(expect.arrayContaining([...one.questions]));
    for (const { question } of one.publication.anchors) expect(one.questions).toContain(question);
    const { backends, workloads } = choose({ words: [], suite: one.name, effort: 'normal', files: {} });
    expect(backends.map(({ name }) => name)).toContain('process');
    for (const { question } of workloads) expect(one.questions).toContain(question);
  });

  test('lets backends be chosen otherwise, and no question', () => {
    const command = { words: [], suite: 'nsdi20', effort: 'quick', files: {} } as const;
    expect(choose({ ...command, backends: ['tare'] }).backends.map(({ name }) => name)).toEqual(['tare']);
    expect(() => choose({ ...command, words: ['start'] })).toThrow('--suite nsdi20: it has questions of its own');
    expect(() => choose({ ...command, suite: 'nsdi02' })).toThrow(
      'no such suite: nsdi02 (did you mean nsdi20?); there are felter2015, nsdi20, hotcloud19',
    );
  });
});

test.each(publications)('$name is quoted beside measures that there are, in their units', ({ anchors }) => {
  for (const { question, measure, unit } of anchors) {
    const own = workloads.find((one) => one.question === question)?.measures.find(({ name }) => name === measure);
    expect([question, measure, own === undefined ? 'none' : 'there']).toEqual([question, measure, 'there']);
    if (unit !== 'times') expect([measure, own?.unit]).toEqual([measure, unit]);
  }
});

describe('beside a published figure stands', () => {
  test('what we have of its kind, in its unit', () => {
    const { measure, ours } = besideOf(example, anchor('nsdi20', 'QEMU'))!;
    expect(measure.name).toBe('gone');
    expect(ours.map(({ backend }) => backend.name)).toEqual(['qemu-tcg']);
  });

  test('a ratio to our own base, where it is a ratio', () => {
    const published = { ...anchor('hotcloud19', 'runc: open and close'), question: 'start', measure: 'gone' } as const;
    const ratios = besideOf(example, published)!.ours.map(({ backend, value }) => [backend.name, value.toFixed(2)]);
    expect(ratios).toEqual([
      ['tare', '4.47'],
      ['crun', '25.10'],
    ]);
  });

  test('nothing, where the question or the base is missing', () => {
    expect(besideOf(example, anchor('felter2015', 'KVM: STREAM triad'))).toBeUndefined();
    const published = { ...anchor('hotcloud19', 'runc: open and close'), question: 'start', measure: 'gone' } as const;
    const baseless: Weighing = { ...example, backends: example.backends.filter(({ name }) => name !== 'process') };
    expect(besideOf(baseless, published)?.ours).toEqual([]);
  });
});

describe('is told', () => {
  test('in a terminal, with what each counts and why both differ', () => {
    const text = said(suiteTerminal(example, suite('nsdi20'), page));
    expect(text).toContain(
      'Firecracker, end to end [1]\n  published  161 ms (median of 500)\n  ours       request → all gone: QEMU microvm, TCG 1.74 s\n',
    );
    expect(text).toMatch(/^\[1\] Theirs counts: From before the monitor is forked .*Different definition/ms);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('with what was not measured', () => {
    const text = said(suiteTerminal(example, suite('felter2015'), page));
    expect(text).toContain(
      'KVM: STREAM triad [2]\n  published  0.988× of a process’s (means of 7 and 8 logged runs)\n  ours       not measured',
    );
    expect(text).toContain('network: not measured: this weighing did not ask it');
  });

  test('as Markdown', () => {
    const lines = suiteMarkdown(example, suite('hotcloud19')).split('\n');
    const rows = lines.filter((line) => line.startsWith('| '));
    expect(new Set(rows.map((row) => row.split(' | ').length))).toEqual(new Set([6]));
    expect(lines).toContain('## Beside hotcloud19');
  });
});
