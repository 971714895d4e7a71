import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PayloadOutput } from '../../../src/vm/payload-output.ts';

const piece = Buffer.alloc(10_000, 'x');

/** A payload that writes more than anybody reads. */
async function full(): Promise<{ source: PassThrough; output: PayloadOutput }> {
  const source = new PassThrough();
  const output = new PayloadOutput(source);
  for (let count = 0; count < 20; count++) source.write(piece);
  await turn();
  return { source, output };
}

test('while the payload runs its reader sets the pace', async () => {
  const { source, output } = await full();
  expect(source.readableFlowing).toBe(false);
  expect(output.stream.readableLength).toBeLessThan(20 * piece.length);
});

test('once it has exited all arrives, though nobody reads yet', async () => {
  const { source, output } = await full();
  output.takeIn();
  source.end();
  await output.complete;
  expect((await buffer(output.stream)).length).toBe(20 * piece.length);
});

test('what has ended before ends', async () => {
  const source = new PassThrough();
  const output = new PayloadOutput(source);
  output.stream.resume();
  source.end();
  await output.complete;
  output.takeIn();
  expect((await buffer(output.stream)).length).toBe(0);
});

test('who reads no more lets the payload know', async () => {
  const { source, output } = await full();
  output.stream.destroy();
  await output.complete;
  expect(source.destroyed).toBe(true);
});
