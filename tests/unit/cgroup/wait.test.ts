import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { until } from '../../../src/cgroup/wait.ts';

const directory = mkdtempSync(join(tmpdir(), 'tare-wait-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test('a change of the file ends the wait', async () => {
  const file = join(directory, 'events');
  writeFileSync(file, 'populated 1\n');
  let looks = 0;
  const waiting = until(
    file,
    () => {
      looks += 1;
      return readFileSync(file, 'utf8').includes('populated 0');
    },
    60_000,
  );
  appendFileSync(file, 'populated 0\n');
  expect(await waiting).toBe(true);
  // At once, on the event, and once or twice by the clock: no busy loop.
  expect(looks).toBeLessThan(10);
});

test('what holds already needs no file', async () => {
  expect(await until('/no/such/file', () => true, 0)).toBe(true);
});

test('without a file to watch the clock is enough, and the time is bounded', async () => {
  let looks = 0;
  expect(await until('/no/such/file', () => (looks += 1) > 3, 60_000)).toBe(true);
  expect(await until('/no/such/file', () => false, 20)).toBe(false);
});
