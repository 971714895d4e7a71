/** Random programs: every kind of argument and field, in every combination that a program may hold. */
import fc from 'fast-check';
import {
  type Arg,
  cell,
  type Cell,
  data,
  type Data,
  type Field,
  type Op,
  type Program,
} from '../../../src/launch/program.ts';
import { errnos, type Errno, type Syscall } from '../../../src/linux/abi.ts';
import { named } from '../../../src/linux/flags.ts';

export const cells: readonly Cell[] = [cell('a'), cell('b', 7), cell('c'), cell('sync', 4)];

const call = fc.constantFrom<Syscall>('openat2', 'close', 'mount', 'prctl', 'read', 'sendto', 'unshare', 'clone3');
const errno = fc.constantFrom(...(Object.keys(errnos) as Errno[]));
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', '0'));
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger());
const bigInteger = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
const flag = fc.nat().map((value) => named(value, 'FLAG'));
const byArch = fc.tuple(fc.nat(), fc.nat()).map(([x64, arm64]) => named({ x64, arm64 }, 'BY_ARCH'));

const u8 = fc.nat(0xff).map((value): Field => ({ u8: value }));
const u16 = fc.nat(0xffff).map((value): Field => ({ u16: value }));
const u32 = fc.nat(0xffffffff).map((value): Field => ({ u32: value }));

/** Fields in groups of eight bytes, so that words that hold addresses stay aligned. */
const group: fc.Memo<Field[]> = fc.memo((depth) =>
  fc.oneof(
    fc.oneof(integer, bigInteger, flag, byArch).map((value): Field[] => [{ u64: value }]),
    fc.tuple(u32, u32),
    fc.tuple(u16, u16, u32),
    fc.array(u8, { minLength: 8, maxLength: 8 }),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes): Field[] => [{ bytes }]),
    u32.map((field): Field[] => [{ self: true }, field]),
    fc.constant(null).map((): Field[] => [{ cell: cell('here'), width: 8 }]),
    u32.map((field): Field[] => [{ cell: cell('here', 5), width: 4 }, field]),
    fc.constantFrom(...cells).map((slot): Field[] => [{ slot }]),
    fc
      .oneof(text, fc.constant(null), ...(depth > 0 ? [block(depth - 1)] : []))
      .map((address): Field[] => [{ address }]),
  ),
);
const block: fc.Memo<Data> = fc.memo((depth) =>
  fc.array(group(depth), { maxLength: 5 }).map((groups) => data('{}', groups.flat())),
);

const arg: fc.Arbitrary<Arg> = fc.oneof(integer, bigInteger, flag, byArch, text, fc.constantFrom(...cells), block(2));

const op: fc.Arbitrary<Op> = fc.record(
  {
    why: fc.constant('see'),
    call: fc.oneof({ weight: 9, arbitrary: call }, { weight: 1, arbitrary: fc.constant('halt' as const) }),
    args: fc.array(arg, { maxLength: 6 }),
    stage: fc.constantFrom('one', 'two'),
    min: fc.integer(),
    allow: fc.array(fc.oneof(errno, fc.constant(0 as const)), { maxLength: 4 }),
    skip: fc.nat(6),
    retry: fc.record({ on: errno, times: fc.nat(100), pause: fc.nat(0xffff) }),
    into: fc.constantFrom(...cells),
  },
  { requiredKeys: ['why', 'call', 'args', 'stage'] },
);

/** `skip` never leads out of it. */
export const programs: fc.Arbitrary<Program> = fc.array(op, { maxLength: 25 }).map((ops) => ({
  ops: ops.map((each, index) =>
    each.skip === undefined ? each : { ...each, skip: Math.min(each.skip, ops.length - index - 1) },
  ),
  report: cells[3]!,
}));
