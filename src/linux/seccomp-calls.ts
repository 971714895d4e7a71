/**
 * Which numbers the names of a profile have, on each architecture whose programs the kernel runs.
 */
import type { Arch } from './abi.ts';
import type { CallRange, CallRule, CallTable } from './bpf-seccomp.ts';
import type { FilterRule } from './seccomp-rules.ts';

/** The number of a call as seccomp_syscall_resolve_name_arch(3) says it. */
export type ResolveCall = (arch: number, name: string) => number;

interface Machine {
  /** 64-bit programs. */
  readonly native: number;
  /** 32-bit programs on the same kernel. */
  readonly narrow: Readonly<Record<string, number>>;
}

/** `AUDIT_ARCH_` numbers. */
const machines: Record<Arch, Machine> = {
  x64: { native: 0xc000003e, narrow: { SCMP_ARCH_X86: 0x40000003 } },
  arm64: { native: 0xc00000b7, narrow: { SCMP_ARCH_ARM: 0x40000028 } },
};

/** The `AUDIT_ARCH_` number of the kernel's own programs. */
export const nativeArch = (arch: Arch): number => machines[arch].native;

/** x32 is x86-64 with 32-bit pointers: the kernel shows it as x86-64, with this bit in the number. */
const X32 = { name: 'SCMP_ARCH_X32', libseccomp: 0x4000003e, bit: 0x40000000 };
/** A tracer may write -1 for "skip this call". */
const SKIPPED = 0xffffffff;

/** Since Linux 6.8, and so unknown to libseccomp 2.5 of Debian 12. All architectures share them. */
const recent: Readonly<Record<string, number>> = {
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
};
const recentOfX64: Readonly<Record<string, number>> = { uretprobe: 335, uprobe: 336 };

/** The number of a call that this libseccomp may be too old to know; -1 if it is unknown here too. */
export function recentNumber(arch: number, name: string): number {
  const shared = recent[name];
  if (shared !== undefined) return arch === X32.libseccomp ? shared + X32.bit : shared;
  return (arch === machines.x64.native ? recentOfX64[name] : undefined) ?? -1;
}

export interface Served {
  readonly arch: Arch;
  /** Such as `SCMP_ARCH_X86`, beside the kernel's own. */
  readonly architectures: readonly string[];
  /** What happens to calls in these ranges that no rule meets. */
  readonly ranges: readonly CallRange[];
  /** What happens to a call that no rule meets. */
  readonly otherwise: number;
  /** What happens to a call of an architecture that is not served. */
  readonly foreign: number;
}

/**
 * The tables of the kernel's own architecture and those of the profile's that it also runs. The others are left out: no
 * program of theirs ever meets the filter.
 */
export function callTables(rules: readonly FilterRule[], served: Served, resolve: ResolveCall): CallTable[] {
  const { arch, architectures, ranges, otherwise, foreign } = served;
  const { native, narrow } = machines[arch];
  const own = tableOf(rules, native, otherwise, resolve);
  const others = Object.entries(narrow)
    .filter(([name]) => architectures.includes(name))
    .map(([, number]) => ({ arch: number, narrow: true, calls: tableOf(rules, number, otherwise, resolve), ranges }));
  if (arch !== 'x64') return [{ arch: native, narrow: false, calls: own, ranges }, ...others];
  if (architectures.includes(X32.name)) {
    const calls = new Map([...own, ...tableOf(rules, X32.libseccomp, otherwise, resolve)]);
    return [{ arch: native, narrow: false, calls, ranges }, ...others];
  }
  const refused = { from: X32.bit, to: SKIPPED - 1, action: foreign };
  return [{ arch: native, narrow: false, calls: own, ranges: [...ranges, refused] }, ...others];
}

function tableOf(
  rules: readonly FilterRule[],
  arch: number,
  otherwise: number,
  resolve: ResolveCall,
): Map<number, CallRule[]> {
  const calls = new Map<number, CallRule[]>();
  const add = (number: number, rule: CallRule): void => {
    const known = calls.get(number);
    if (known === undefined) calls.set(number, [rule]);
    else known.push(rule);
  };
  for (const { name, ...rule } of rules) {
    const number = resolve(arch, name);
    if (number >= 0) add(number, rule);
    // `recv` and `send` are calls of 32-bit x86 alone; elsewhere 102 and 117 are getuid(2) and setresuid(2).
    else if (arch === i386) for (const [each, on] of demultiplex(number, rule, otherwise)) add(each, on);
  }
  return calls;
}

const i386 = 0x40000003;
const SOCKETCALL = 102;
const IPC = 117;

/**
 * What 32-bit x86 does through socketcall(2) and ipc(2) has had numbers of its own since Linux 4.3 and 5.1. libseccomp
 * says -100 - n for the n-th call of the one and -200 - n for that of the other. By n:
 */
const directSocketCalls: Readonly<Record<number, number>> = {
  1: 359,
  2: 361,
  3: 362,
  4: 363,
  6: 367,
  7: 368,
  8: 360,
  11: 369,
  12: 371,
  13: 373,
  14: 366,
  15: 365,
  16: 370,
  17: 372,
  18: 364,
  19: 337,
  20: 345,
};
const directIpcCalls: Readonly<Record<number, number>> = {
  2: 393,
  3: 394,
  11: 400,
  12: 401,
  13: 399,
  14: 402,
  21: 397,
  22: 398,
  23: 395,
  24: 396,
};

/**
 * A rule for a multiplexed call also holds for the way through the multiplexer. Arguments lie behind a pointer there,
 * where no filter can look: a rule that compares some then holds for all calls if it forbids more than the default, and
 * for none if it allows more.
 */
function demultiplex(number: number, rule: CallRule, otherwise: number): [number, CallRule][] {
  const [multiplexer, n, direct] =
    number <= -200 ? [IPC, -200 - number, directIpcCalls] : [SOCKETCALL, -100 - number, directSocketCalls];
  if (n < 1 || n > 99) return [];
  const ways: [number, CallRule][] = [];
  const own = direct[n];
  if (own !== undefined) ways.push([own, rule]);
  if (rule.comparisons.length === 0 || isStricter(rule.action, otherwise)) {
    const comparisons = [{ index: 0, op: 'EQ', datumA: BigInt(n), datumB: 0n }] as const;
    ways.push([multiplexer, { action: rule.action, comparisons }]);
  }
  return ways;
}

/** "The ordering ensures that a min_t() over composed return values always selects the least permissive" (linux/seccomp.h). */
const isStricter = (action: number, than: number): boolean => (action & 0xffff0000) < (than & 0xffff0000);
