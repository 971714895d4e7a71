/** What somebody sees who waits: drawn on a terminal that remembers all that was written to it. */
import { PassThrough } from 'node:stream';
import { setImmediate as later } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { progressList } from '../../../src/weigh/progress-list.ts';

function terminal(): { readonly stream: NodeJS.WriteStream; readonly written: () => string } {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const screen = Object.assign(stream, { isTTY: true, columns: 80, rows: 24 });
  return { stream: screen as unknown as NodeJS.WriteStream, written: () => stripVTControlCharacters(chunks.join('')) };
}

test('parts end in their order, and the one under way has a bar and the time left', async () => {
  const { stream, written } = terminal();
  const list = progressList(['harness', 'probe', 'start', 'follow'], stream);
  while (!written().includes('❯ which backends are ready')) {
    list.show({ part: 'probe', doing: 'crun', done: 0 });
    await later();
  }
  while (!written().includes('page cache warm')) {
    list.show({ part: 'start', doing: 'page cache warm', done: 0.5, left: { seconds: 61, as: 'at most' } });
    await later();
  }
  await list[Symbol.asyncDispose]();
  expect(written()).toContain('✔ which backends are ready');
  expect(written()).toContain(`${'━'.repeat(10)}${'┄'.repeat(10)} 50 % at most 1 min 1 s left, page cache warm`);
});

test('what is cut short waits for nobody', async () => {
  const { stream } = terminal();
  const list = progressList(['harness', 'probe', 'start', 'follow'], stream);
  await list[Symbol.asyncDispose]();
  list.show({ part: 'start', doing: 'too late', done: 0 });
});
