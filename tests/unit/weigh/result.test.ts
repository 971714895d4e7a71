/** The schema, the types and the example must tell the same of a result file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { questionNames } from '../../../src/weigh/types/question.ts';
import { format, version, type Weighing } from '../../../src/weigh/types/result.ts';

const top = join(import.meta.dirname, '../../..');
const read = (path: string): unknown => JSON.parse(readFileSync(join(top, path), 'utf8'));
const schema = read('src/weigh/types/weighing.schema.json') as {
  definitions: Record<string, { properties: Record<string, { const?: unknown; enum?: unknown }> }>;
};
const example = read('fixtures/weigh/example.json') as Weighing;
const validate = new Ajv({ allErrors: true }).compile(schema);

describe('the schema of result files', () => {
  test('accepts the example', () => {
    expect(validate(example) ? [] : validate.errors).toEqual([]);
  });

  test('knows the format, the version and every question', () => {
    expect(schema.definitions.Weighing?.properties.format?.const).toBe(format);
    expect(schema.definitions.Weighing?.properties.version?.const).toBe(version);
    expect(schema.definitions.QuestionEntry?.properties.name?.enum).toEqual(questionNames);
  });

  test.each([
    ['another version', { ...example, version: 2 }],
    ['a field that nobody knows', { ...example, colour: 'red' }],
    ['no backend', { ...example, backends: [] }],
    ['a number that is none', { ...example, seconds: null }],
  ])('refuses %s', (_, wrong) => expect(validate(wrong)).toBe(false));
});

describe('the example', () => {
  const series = example.questions.flatMap((question) => question.series.map((one) => ({ question, one })));

  test('has a value of each measure for each round, and a summary of it', () => {
    for (const { question, one } of series) {
      const known = question.measures.map(({ name }) => name);
      for (const [measure, values] of Object.entries(one.values)) {
        expect(known).toContain(measure);
        expect(values).toHaveLength(one.rounds.length);
        expect(one.summaries[measure]?.count).toBe(values.length);
      }
    }
  });

  test('shows a report all that it may meet', () => {
    expect(example.backends.some(({ missing }) => missing !== undefined)).toBe(true);
    expect(series.some(({ one }) => one.failure !== undefined)).toBe(true);
    expect(
      series.some(({ one, question }) => question.measures.some(({ name }) => one.values[name] === undefined)),
    ).toBe(true);
    expect(example.questions.some(({ measures }) => measures.some(({ partOf }) => partOf !== undefined))).toBe(true);
  });
});
