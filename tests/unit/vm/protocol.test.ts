/** The frames between host and guest: what is written is read, however it is split, and nothing else is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, type Frame, FrameReader, headerSize, programLimit } from '../../../src/vm/protocol.ts';
import { frame } from './frames.ts';

/** The stream cut at the given places, which are taken modulo its length. */
function cut(stream: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (stream.length + 1)))].sort((one, other) => one - other);
  return [0, ...at].map((from, index) => stream.subarray(from, at[index] ?? stream.length));
}

test('frames are read as they were written, wherever their bytes are split', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), (frames, places) => {
      const reader = new FrameReader();
      const read = cut(Buffer.concat(frames.map(encodeFrame)), places).flatMap((piece) => [...reader.push(piece)]);
      expect(read).toEqual(frames);
    }),
  );
});

test('no bytes whatsoever make the reader do anything but yield frames or refuse them by a clear error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        for (const found of new FrameReader().push(bytes)) expect(encodeFrame(found).length).toBeLessThanOrEqual(64);
      } catch (error) {
        expect(error).toMatchObject({ name: 'TareError', errno: 'EPROTO' });
      }
    }),
  );
});

const refusal = (header: readonly [length: number, kind: number]): string => {
  const bytes = Buffer.alloc(headerSize);
  bytes.writeUInt32LE(header[0], 0);
  bytes.writeUInt16LE(header[1], 4);
  try {
    return `${[...new FrameReader().push(bytes)].length} frames`;
  } catch (error) {
    return String(error);
  }
};

test('a malformed header is refused before its body is waited for', () => {
  expect([refusal([0, 99]), refusal([3, 4]), refusal([5, 6]), refusal([70_000, 23]), refusal([programLimit + 1, 1])])
    .toMatchInlineSnapshot(`
    [
      "TareError: understand the other side of the channel: EPROTO (hint: no kind of frame has the number 99: host and guest must be of one build)",
      "TareError: understand the other side of the channel: EPROTO (hint: 3 bytes are no body of a frame resize: host and guest must be of one build)",
      "TareError: understand the other side of the channel: EPROTO (hint: 5 bytes are no body of a frame go: host and guest must be of one build)",
      "TareError: understand the other side of the channel: EPROTO (hint: 70000 bytes are no body of a frame stdout: host and guest must be of one build)",
      "TareError: understand the other side of the channel: EPROTO (hint: 4194305 bytes are no body of a frame program: host and guest must be of one build)",
    ]
  `);
  expect(refusal([programLimit, 1])).toBe('0 frames');
});

test('a body beyond its limit is not even written', () => {
  const stdout: Frame = { kind: 'stdout', process: 1, bytes: Buffer.alloc(65537) };
  expect(() => encodeFrame(stdout)).toThrow(RangeError);
  expect(encodeFrame({ ...stdout, bytes: Buffer.alloc(65536) })).toHaveLength(65544);
});
