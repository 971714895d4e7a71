import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requestRates } from '../../../../src/weigh/tools/redis-benchmark.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../fixtures/tools/redis-benchmark.csv'), 'utf8');

test('each command has its rate', () => {
  expect([...requestRates(text)]).toEqual([
    ['SET', 91743.12],
    ['GET', 34013.61],
  ]);
});

test.each([['Could not connect to Redis at 10.0.2.14:6379'], [''], ['"test","rps"'], ['"test","rps"\n"SET","nan"']])(
  'no table is no rate: %j',
  (said) => {
    expect(() => requestRates(said)).toThrow('read what redis-benchmark measured');
  },
);
