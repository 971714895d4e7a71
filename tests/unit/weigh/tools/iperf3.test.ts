import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { receivedRate } from '../../../../src/weigh/tools/iperf3.ts';

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../../fixtures/tools', name), 'utf8');

test('what counts is what arrived', () => {
  expect(receivedRate(fixture('iperf3.json'))).toMatchInlineSnapshot(`668.83347086523`);
});

test('iperf3 says in its JSON why it failed', () => {
  expect(() => receivedRate(fixture('iperf3-refused.json'))).toThrow(
    'run iperf3: unable to connect to server: Connection refused',
  );
});

test('what is no JSON is quoted', () => {
  expect(() => receivedRate('iperf3: parameter error')).toThrow('it wrote "iperf3: parameter error"');
});
