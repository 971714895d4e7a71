import { once } from 'node:events';
import { expect, test } from 'vitest';
import { InputStream } from '../../../src/vm/streams.ts';

/** Sizes of the pieces that were sent. */
function input(): { readonly stream: InputStream; readonly sent: number[] } {
  const sent: number[] = [];
  return { stream: new InputStream((bytes) => sent.push(bytes.length)), sent };
}

test('an input that is empty has an end', async () => {
  const { stream, sent } = input();
  stream.end('');
  await once(stream, 'finish');
  expect(sent).toEqual([0]);
});

test('an empty write in the middle is no end', async () => {
  const { stream, sent } = input();
  stream.write('one');
  stream.write('');
  stream.end('three');
  await once(stream, 'finish');
  expect(sent).toEqual([3, 5, 0]);
});
