import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assembleFilter, type ArgComparison, type CallRule, type CallTable } from '../../../src/linux/bpf-seccomp.ts';
import { AUDIT_ARCH, disassemble, evaluate, RET, verdictName } from './classic-bpf.ts';
import { edges, meaning } from './seccomp-meaning.ts';

const always = (action: number): CallRule[] => [{ action, comparisons: [] }];
const x64 = (calls: Record<number, CallRule[]>, ranges: CallTable['ranges'] = []): CallTable => ({
  arch: AUDIT_ARCH.x86_64,
  narrow: false,
  calls: new Map(Object.entries(calls).map(([number, rules]) => [Number(number), rules])),
  ranges,
});

test('a run of calls with one fate is one leaf, and the number is loaded once', () => {
  const calls = Object.fromEntries([0, 1, 2, 3, 8, 9].map((number) => [number, always(RET.ALLOW)]));
  const bpf = assembleFilter([x64(calls)], RET.errno(1), RET.KILL_PROCESS);
  expect(disassemble(bpf)).toMatchInlineSnapshot(`
    "  0  load [4]
      1  == 0xc000003e ? 3 : 2
      2  KILL_PROCESS
      3  load [0]
      4  >= 0x8 ? 6 : 5
      5  >= 0x4 ? 8 : 7
      6  >= 0xa ? 8 : 7
      7  ALLOW
      8  ERRNO 1"
  `);
});

test('families are told apart with one look at the upper half', () => {
  const families = [1n, 2n, 10n].map((datumA): CallRule => {
    return { action: RET.ALLOW, comparisons: [{ index: 0, op: 'EQ', datumA, datumB: 0n }] };
  });
  const bpf = assembleFilter([x64({ 41: families })], RET.errno(97), RET.KILL_PROCESS);
  expect(disassemble(bpf)).toMatchInlineSnapshot(`
    "  0  load [4]
      1  == 0xc000003e ? 3 : 2
      2  KILL_PROCESS
      3  load [0]
      4  >= 0x29 ? 5 : 13
      5  >= 0x2a ? 13 : 6
      6  load [20]
      7  == 0x0 ? 8 : 13
      8  load [16]
      9  == 0x1 ? 12 : 10
     10  == 0x2 ? 12 : 11
     11  == 0xa ? 12 : 13
     12  ALLOW
     13  ERRNO 97"
  `);
});

test('the fate of a range is that of its calls without a rule, both ends included', () => {
  const table = x64({ 5: always(RET.ALLOW) }, [{ from: 4, to: 0xffffffff, action: RET.TRAP }]);
  const bpf = assembleFilter([table], RET.LOG, RET.KILL_PROCESS);
  const verdicts = [3, 4, 5, 6, 0xffffffff].map((number) =>
    verdictName(evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number, args: [] })),
  );
  expect(verdicts).toEqual(['LOG', 'TRAP', 'ALLOW', 'TRAP', 'TRAP']);
});

test('a call of another architecture is foreign', () => {
  const bpf = assembleFilter([x64({ 0: always(RET.ALLOW) })], RET.errno(1), RET.KILL_PROCESS);
  expect(evaluate(bpf, { arch: AUDIT_ARCH.i386, number: 0, args: [] })).toBe(RET.KILL_PROCESS);
});

const datum = fc.oneof(
  fc.bigInt({ min: 0n, max: 9n }),
  fc.constantFrom(0x7e020000n, 0xffffffffn, 1n << 32n, (1n << 33n) + 7n, 0xffffffff00000000n, 0xffffffffffffffffn),
);
const comparison: fc.Arbitrary<ArgComparison> = fc.record({
  index: fc.nat(5),
  op: fc.constantFrom<ArgComparison['op'][]>('NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'),
  datumA: datum,
  datumB: datum,
});
const rules = fc.array(
  fc.record({
    action: fc.constantFrom(RET.ALLOW, RET.LOG, RET.TRAP),
    comparisons: fc.array(comparison, { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const calls = fc
  .array(fc.tuple(fc.oneof(fc.nat(40), fc.nat(1000), fc.constantFrom(0x40000000, 0xffffffff)), rules), {
    maxLength: 12,
  })
  .map((entries) => new Map(entries));

test('the program decides as its rules say', () => {
  const table = fc.record({ narrow: fc.boolean(), calls });
  fc.assert(
    fc.property(table, table, fc.infiniteStream(fc.nat()), (first, second, dice) => {
      const roll = (count: number): number => Number(dice.next().value) % count;
      const tables = [
        { ...first, arch: AUDIT_ARCH.x86_64, ranges: [] },
        { ...second, arch: AUDIT_ARCH.i386, ranges: [{ from: 900, to: 1023, action: RET.errno(38) }] },
      ];
      const bpf = assembleFilter(tables, RET.errno(1), RET.KILL_PROCESS);
      for (const { arch, narrow, calls, ranges } of tables) {
        const numbers = [...calls.keys()].flatMap((number) => [number - 1, number, number + 1]);
        for (const number of numbers.filter((each) => each >= 0 && each <= 0xffffffff)) {
          const rules = calls.get(number) ?? [];
          const otherwise = ranges.find(({ from, to }) => from <= number && number <= to)?.action;
          const values = edges(rules).map((value) => (narrow ? value & 0xffffffffn : value));
          for (let i = 0; i < 12; i += 1) {
            const args = Array.from({ length: 6 }, () => values[roll(values.length)]!);
            // A range is for calls without a rule.
            const expected = meaning(rules, args, rules.length > 0 ? RET.errno(1) : (otherwise ?? RET.errno(1)));
            expect(verdictName(evaluate(bpf, { arch, number, args }))).toBe(verdictName(expected));
          }
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('a program too long for short jumps still decides as its rules say', () => {
  const wide = Array.from({ length: 300 }, (_, i): [number, CallRule[]] => [
    i * 2,
    [
      { action: RET.ALLOW, comparisons: [{ index: i % 6, op: 'EQ', datumA: BigInt(i), datumB: 0n }] },
      { action: RET.errno(i), comparisons: [{ index: 0, op: 'GT', datumA: BigInt(i), datumB: 0n }] },
    ],
  ]);
  const bpf = assembleFilter([x64(Object.fromEntries(wide))], RET.errno(1), RET.KILL_PROCESS);
  expect(disassemble(bpf)).toContain('goto');
  for (const [number, rules] of wide) {
    for (const value of edges(rules)) {
      const args = [value, value, value, value, value, value];
      const verdict = evaluate(bpf, { arch: AUDIT_ARCH.x86_64, number, args });
      expect(verdictName(verdict)).toBe(verdictName(meaning(rules, args, RET.errno(1))));
    }
  }
});
