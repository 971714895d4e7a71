import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fioJobs } from '../../../../src/weigh/tools/fio.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../fixtures/tools/fio.json'), 'utf8');

test('each job is read in the direction that it went', () => {
  expect([...fioJobs(text)]).toMatchInlineSnapshot(`
    [
      [
        "randread-1",
        {
          "megabytes": 18.929087,
          "operations": 4621.359223,
          "p99": 3.948544,
        },
      ],
      [
        "write-32",
        {
          "megabytes": 2153.831783,
          "operations": 2054.054054,
          "p99": 27.918336,
        },
      ],
    ]
  `);
});

test('a note before the JSON is passed over', () => {
  expect(fioJobs(`randread-1: Laying out IO file (1 file / 8MiB)\n${text}`).size).toBe(2);
});

test('a job that failed is none, however much it has done', () => {
  const broken = text.replace('"error" : 0', '"error" : 28');
  expect(() => fioJobs(broken)).toThrow('its job randread-1 failed (28)');
});

test('JSON that was cut off is quoted', () => {
  expect(() => fioJobs(text.slice(0, 5000))).toThrow(/read what fio measured \(hint: it wrote ".*"\)/s);
});
