/**
 * A seccomp profile in the numbers of the kernel: linux/seccomp.h.
 */
import { errnos } from './abi.ts';
import type { ArgComparison, CallRule } from './bpf-seccomp.ts';

/** `linux.seccomp` of the OCI runtime-spec, as far as the filter depends on it. */
export interface FilterProfile {
  readonly defaultAction: FilterAction;
  /** EPERM where absent. */
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly (keyof typeof filterFlags)[];
  readonly syscalls?: readonly {
    readonly names: readonly string[];
    readonly action: FilterAction;
    readonly errnoRet?: number;
    readonly args?: readonly FilterArg[];
  }[];
}

export type FilterAction = keyof typeof actionValues;

interface FilterArg {
  readonly index: number;
  /** 2^64 stands for 2^64 - 1, as JSON.parse gives it. */
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: `SCMP_CMP_${ArgComparison['op']}`;
}

const filterFlags = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;
const NEW_LISTENER = 8;
const TSYNC_ESRCH = 16;

export const KILL_PROCESS = 0x80000000;
export const ERRNO = 0x00050000;
const TRACE = 0x7ff00000;

/** The two that carry a number have it added. */
const actionValues = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: ERRNO,
  SCMP_ACT_TRACE: TRACE,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
} as const;

export interface FilterRule extends CallRule {
  readonly name: string;
}

/** `SECCOMP_FILTER_FLAG_` bits, and whether the kernel will return a notification fd. */
export function flagsOf({ flags = [], syscalls = [] }: FilterProfile): { flags: number; notify: boolean } {
  const notify = syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  let bits = flags.reduce<number>((all, flag) => all | filterFlags[flag], 0);
  if (notify) {
    bits |= NEW_LISTENER;
    // Both want the return value; this way a failure to synchronise is ESRCH and not a thread id (Linux 5.7).
    if (bits & filterFlags.SECCOMP_FILTER_FLAG_TSYNC) bits |= TSYNC_ESRCH;
  } else {
    // Without a listener nobody waits, and the kernel answers EINVAL.
    bits &= ~filterFlags.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  }
  return { flags: bits, notify };
}

/** The upper half of `SECCOMP_RET_DATA` and what it carries; EPERM where the profile is silent. */
export function actionValue(action: FilterAction, errnoRet: number | undefined): number {
  const value = actionValues[action];
  return value === ERRNO || value === TRACE ? value + (errnoRet ?? errnos.EPERM) : value;
}

/**
 * The rules of a profile that say something else than its default action, one for each call: a rule that repeats the
 * default is none, so that it does not outweigh those for the same call that compare arguments (as in runc and crun).
 *
 * In a rule, comparisons of different arguments must all hold. If one argument is compared twice, any comparison
 * suffices: libseccomp cannot say "and" there, so runc and crun have always read it as "or".
 */
export function filterRules(profile: FilterProfile): FilterRule[] {
  const defaultAction = actionValue(profile.defaultAction, profile.defaultErrnoRet);
  return (profile.syscalls ?? []).flatMap(({ names, action: word, errnoRet, args = [] }) => {
    const action = actionValue(word, errnoRet);
    if (action === defaultAction) return [];
    const comparisons = args.map(comparison);
    const once = new Set(args.map(({ index }) => index)).size === args.length;
    const sets = once ? [comparisons] : comparisons.map((each) => [each]);
    return names.flatMap((name) => sets.map((set) => ({ name, action, comparisons: set })));
  });
}

function comparison({ index, value, valueTwo = 0, op }: FilterArg): ArgComparison {
  const word = op.slice('SCMP_CMP_'.length) as ArgComparison['op'];
  return { index, op: word, datumA: uint64(value), datumB: uint64(valueTwo) };
}

/** 2^64 is how JSON.parse gives 2^64 - 1. */
const uint64 = (value: number): bigint => BigInt.asUintN(64, value >= 2 ** 64 ? -1n : BigInt(value));
