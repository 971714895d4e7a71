import { expect, test } from 'vitest';
import { type FilterProfile, filterRules, flagsOf } from '../../../src/linux/seccomp-rules.ts';

const profile = (syscalls: FilterProfile['syscalls']): FilterProfile => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls });

test('a rule is one for each of its names, in the numbers of seccomp(2)', () => {
  const rules = filterRules(
    profile([
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['clone'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 38,
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ]),
  );
  expect(rules).toMatchInlineSnapshot(`
    [
      {
        "action": 2147418112,
        "comparisons": [],
        "name": "read",
      },
      {
        "action": 2147418112,
        "comparisons": [],
        "name": "write",
      },
      {
        "action": 327718,
        "comparisons": [
          {
            "datumA": 2114060288n,
            "datumB": 0n,
            "index": 0,
            "op": "MASKED_EQ",
          },
        ],
        "name": "clone",
      },
    ]
  `);
});

test('a rule that repeats the default is none, whichever way it spells EPERM', () => {
  const rules = filterRules(
    profile([
      { names: ['read'], action: 'SCMP_ACT_ERRNO' },
      { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
    ]),
  );
  expect(rules).toEqual([]);
});

test('one argument compared twice is two rules', () => {
  const args = [1, 2].map((value) => ({ index: 0, value, op: 'SCMP_CMP_EQ' as const }));
  const rules = filterRules(profile([{ names: ['socket'], action: 'SCMP_ACT_ALLOW', args }]));
  expect(rules.map(({ comparisons }) => comparisons.map(({ datumA }) => datumA))).toEqual([[1n], [2n]]);
});

test('2^64 - 1 survives JSON', () => {
  const args = JSON.parse('[{ "index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ" }]') as [];
  const [rule] = filterRules(profile([{ names: ['personality'], action: 'SCMP_ACT_ALLOW', args }]));
  expect(rule?.comparisons[0]?.datumA).toBe(0xffffffffffffffffn);
});

test.each<[string, FilterProfile['flags'], FilterProfile['syscalls'], ReturnType<typeof flagsOf>]>([
  ['none', undefined, [], { flags: 0, notify: false }],
  ['log', ['SECCOMP_FILTER_FLAG_LOG'], [], { flags: 2, notify: false }],
  [
    'all but the listener',
    ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    [],
    { flags: 5, notify: false },
  ],
  ['waiting without a listener', ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], [], { flags: 0, notify: false }],
  ['a listener', [], [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }], { flags: 8, notify: true }],
  [
    'a listener of all threads that waits',
    ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
    [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
    { flags: 1 + 8 + 16 + 32, notify: true },
  ],
])('flags of seccomp(2): %s', (_, flags, syscalls, expected) => {
  expect(flagsOf({ defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls })).toEqual(expected);
});
