import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message, messageType, type Value } from '../../../src/cgroup/dbus-wire.ts';

const call = (signature: string, body: readonly Value[]): Message => ({
  type: messageType.call,
  serial: 7,
  path: '/org/example',
  interface: 'org.example',
  member: 'Do',
  destination: 'org.example.It',
  signature,
  body,
});

/** "Type System, Valid Signatures": the maximum length of a signature is 255. */
const longest = 255;

/** A signature of one complete type, with a value of it. */
const typed: fc.Arbitrary<readonly [string, Value]> = fc.letrec<{
  any: readonly [string, Value];
  basic: readonly [string, Value];
}>((tie) => ({
  basic: fc.oneof(
    fc.nat({ max: 255 }).map((value) => ['y', value] as const),
    fc.boolean().map((value) => ['b', value] as const),
    fc.integer({ min: -32768, max: 32767 }).map((value) => ['n', value] as const),
    fc.nat({ max: 65535 }).map((value) => ['q', value] as const),
    fc.integer().map((value) => ['i', value] as const),
    fc.nat().map((value) => ['u', value] as const),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ['x', value] as const),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ['t', value] as const),
    fc.double({ noNaN: true }).map((value) => ['d', value] as const),
    fc.string({ unit: 'grapheme' }).map((value) => ['s', value] as const),
    fc.constantFrom('/', '/a/b').map((value) => ['o', value] as const),
    fc.constantFrom('', 'a{sv}').map((value) => ['g', value] as const),
  ),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('basic'),
    tie('any')
      .filter(([signature]) => signature.length <= longest)
      .map(([signature, value]) => ['v', { signature, value }] as const),
    tie('any').chain(([signature, value]) =>
      fc.nat({ max: 3 }).map((count) => [`a${signature}`, Array.from({ length: count }, () => value)] as const),
    ),
    fc
      .array(tie('any'), { minLength: 1, maxLength: 3 })
      .map((all) => [`(${all.map(([signature]) => signature).join('')})`, all.map(([, value]) => value)] as const),
  ),
})).any;

describe('messages', () => {
  test('as the specification lays them out', () => {
    const bytes = encodeMessage({
      type: messageType.call,
      serial: 1,
      path: '/',
      member: 'M',
      signature: 's',
      body: ['hi'],
    });
    expect(bytes.toString('hex')).toMatchInlineSnapshot(
      `"6c01000107000000010000002700000001016f00010000002f0000000000000003017300010000004d00000000000000080167000173000002000000686900"`,
    );
  });

  test('come back as they went', () => {
    fc.assert(
      fc.property(fc.array(typed, { maxLength: 5 }), (all) => {
        const signature = all.map(([one]) => one).join('');
        fc.pre(signature.length <= longest);
        const message = call(
          signature,
          all.map(([, value]) => value),
        );
        const bytes = encodeMessage(message);
        expect(decodeMessage(Buffer.concat([bytes, Buffer.from('next')]))).toEqual({ message, size: bytes.length });
        expect(decodeMessage(bytes.subarray(0, -1))).toBeUndefined();
      }),
    );
  });

  test('what StartTransientUnit takes', () => {
    const properties: Value = [
      ['PIDs', { signature: 'au', value: [1, 2] }],
      ['Slice', { signature: 's', value: 'system.slice' }],
    ];
    const message = call('ssa(sv)a(sa(sv))', ['a.scope', 'fail', properties, []]);
    expect(decodeMessage(encodeMessage(message))?.message).toEqual(message);
  });

  test('what is no message of this byte order is refused', () => {
    expect(() => decodeMessage(Buffer.alloc(32, 'B'))).toThrow(/begins with 66/);
    expect(() => encodeMessage(call('ss', ['one']))).toThrow(/1 values/);
  });
});
