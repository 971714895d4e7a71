import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventsPerSecond } from '../../../../src/weigh/tools/sysbench.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../fixtures/tools/sysbench-cpu.txt'), 'utf8');

test('the rate is taken out of what sysbench says', () => {
  expect(eventsPerSecond(text)).toBe(2161.68);
});

test('a text that does not say is quoted', () => {
  expect(() => eventsPerSecond('FATAL: Cannot find benchmark')).toThrow(/it wrote "FATAL: Cannot find benchmark"/);
});
