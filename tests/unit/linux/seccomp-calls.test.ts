import { expect, test } from 'vitest';
import type { Arch } from '../../../src/linux/abi.ts';
import { callTables, recentNumber } from '../../../src/linux/seccomp-calls.ts';
import { actionValue, filterRules, type FilterProfile } from '../../../src/linux/seccomp-rules.ts';
import { AUDIT_ARCH, RET, verdictName } from './classic-bpf.ts';

/** A libseccomp of five calls, by the numbers of <asm/unistd.h>. */
const numbers: Record<number, Record<string, number>> = {
  [AUDIT_ARCH.x86_64]: { read: 0, socket: 41, connect: 42, semop: 65, time: 201 },
  [AUDIT_ARCH.i386]: { read: 3, socket: -101, connect: -103, semop: -201, time: 13 },
  [AUDIT_ARCH.aarch64]: { read: 63, socket: 198, connect: 203, semop: 193, time: -10186 },
  [AUDIT_ARCH.arm]: { read: 3, socket: 281, connect: 283, semop: 298, time: -10186 },
  0x4000003e: { read: 0x40000000, socket: 0x40000029, connect: 0x4000002a, semop: 0x40000041, time: 0x400000c9 },
};

function tell(
  arch: Arch,
  architectures: string[],
  syscalls: FilterProfile['syscalls'],
  defaultAction: FilterProfile['defaultAction'] = 'SCMP_ACT_ERRNO',
): string[] {
  const rules = filterRules({ defaultAction, syscalls });
  const otherwise = actionValue(defaultAction, undefined);
  const served = { arch, architectures, ranges: [], otherwise, foreign: RET.KILL_PROCESS };
  const tables = callTables(rules, served, (on, name) => numbers[on]?.[name] ?? -1);
  return tables.flatMap(({ arch: on, narrow, calls, ranges }) => [
    `0x${on.toString(16)}${narrow ? ', 32 bits' : ''}`,
    ...[...calls].flatMap(([number, list]) =>
      list.map(({ action, comparisons }) => {
        const conditions = comparisons.map(({ index, op, datumA }) => ` if ${index} ${op} ${datumA}`);
        return `  ${number}: ${verdictName(action)}${conditions.join()}`;
      }),
    ),
    ...ranges.map(({ from, to, action }) => `  ${from} to ${to}: ${verdictName(action)}`),
  ]);
}

const all = [{ names: ['read', 'time', 'no_such_call'], action: 'SCMP_ACT_ALLOW' as const }];

test('an architecture that the kernel does not run is left out, and one that the profile does not name', () => {
  expect(tell('arm64', ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'], all)).toMatchInlineSnapshot(`
    [
      "0xc00000b7",
      "  63: ALLOW",
      "0x40000028, 32 bits",
      "  3: ALLOW",
    ]
  `);
  expect(tell('x64', [], all)).toMatchInlineSnapshot(`
    [
      "0xc000003e",
      "  0: ALLOW",
      "  201: ALLOW",
      "  1073741824 to 4294967294: KILL_PROCESS",
    ]
  `);
});

test('x32 is a range of x86-64, refused unless the profile names it', () => {
  expect(tell('x64', ['SCMP_ARCH_X32'], all)).toMatchInlineSnapshot(`
    [
      "0xc000003e",
      "  0: ALLOW",
      "  201: ALLOW",
      "  1073741824: ALLOW",
      "  1073742025: ALLOW",
    ]
  `);
});

const inet = [{ index: 0, value: 2, op: 'SCMP_CMP_EQ' as const }];

test('32-bit x86 has two ways to a socket; what allows some arguments opens the direct one alone', () => {
  const rules = [
    { names: ['connect', 'semop'], action: 'SCMP_ACT_ALLOW' as const },
    { names: ['socket'], action: 'SCMP_ACT_ALLOW' as const, args: inet },
  ];
  expect(tell('x64', ['SCMP_ARCH_X86'], rules)).toMatchInlineSnapshot(`
    [
      "0xc000003e",
      "  42: ALLOW",
      "  65: ALLOW",
      "  41: ALLOW if 0 EQ 2",
      "  1073741824 to 4294967294: KILL_PROCESS",
      "0x40000003, 32 bits",
      "  362: ALLOW",
      "  102: ALLOW if 0 EQ 3",
      "  117: ALLOW if 0 EQ 1",
      "  359: ALLOW if 0 EQ 2",
    ]
  `);
});

test('what forbids some arguments closes the way where nobody can look at them', () => {
  const rules = [{ names: ['socket'], action: 'SCMP_ACT_KILL_PROCESS' as const, args: inet }];
  expect(tell('x64', ['SCMP_ARCH_X86'], rules, 'SCMP_ACT_ALLOW')).toMatchInlineSnapshot(`
    [
      "0xc000003e",
      "  41: KILL_PROCESS if 0 EQ 2",
      "  1073741824 to 4294967294: KILL_PROCESS",
      "0x40000003, 32 bits",
      "  359: KILL_PROCESS if 0 EQ 2",
      "  102: KILL_PROCESS if 0 EQ 1",
    ]
  `);
});

test('calls that this libseccomp is too old for have the same number everywhere, but for the probes of x86-64', () => {
  const where = [AUDIT_ARCH.x86_64, AUDIT_ARCH.i386, AUDIT_ARCH.arm, 0x4000003e];
  expect(where.map((arch) => recentNumber(arch, 'mseal'))).toEqual([462, 462, 462, 0x40000000 + 462]);
  expect(where.map((arch) => recentNumber(arch, 'uprobe'))).toEqual([336, -1, -1, -1]);
  expect(where.map((arch) => recentNumber(arch, 'no_such_call'))).toEqual([-1, -1, -1, -1]);
});
