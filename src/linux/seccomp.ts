/**
 * An OCI seccomp profile becomes what seccomp(2) takes: a classic BPF program and flags.
 *
 *     profile ─ filterRules → rules ─ callTables → rules by number ─ assembleFilter → struct sock_filter[]
 *                                       │ libseccomp
 *
 * The last two steps take milliseconds, so that filters are kept in memory and on disk. A call whose name nobody
 * knows has no number, so its rules are void, as in runc and crun.
 */
import { TareError } from '../errors.ts';
import { type Arch, errnos } from './abi.ts';
import { assembleFilter, type CallRange } from './bpf-seccomp.ts';
import type { LibSeccomp } from './libseccomp.ts';
import { readCachedFilter, writeCachedFilter } from './seccomp-cache.ts';
import { callTables, nativeArch, recentNumber } from './seccomp-calls.ts';
import { actionValue, ERRNO, type FilterProfile, filterRules, flagsOf, KILL_PROCESS } from './seccomp-rules.ts';

/** What seccomp(2), SECCOMP_SET_MODE_FILTER, is handed. */
export interface SeccompFilter {
  /** `struct sock_filter[]`, 8 bytes each, 4096 of them at most. */
  readonly bpf: Buffer;
  /** `SECCOMP_FILTER_FLAG_` bits. */
  readonly flags: number;
  /** The call returns a notification fd, which `listenerPath` waits for. */
  readonly notify: boolean;
}

/** BPF_MAXINSNS of linux/bpf_common.h. */
const instructionLimit = 4096;

/** Names another version of the files in the cache: change it with what this module makes of a profile. */
const edition = 3;

/** Compiles profiles, each once: in memory for as long as this lives, on disk for the next process. */
export class SeccompCompiler {
  readonly #library: LibSeccomp;
  readonly #arch: Arch;
  readonly #cacheDir: string | undefined;
  readonly #filters = new Map<string, SeccompFilter>();

  /**
   * @param options.cacheDir such as `cacheDir('seccomp', …)` says; without it nothing is kept on disk
   */
  constructor(options: { library: LibSeccomp; arch: Arch; cacheDir?: string | undefined }) {
    this.#library = options.library;
    this.#arch = options.arch;
    this.#cacheDir = options.cacheDir;
  }

  /** @throws TareError without libseccomp, or with more instructions than the kernel takes */
  compile(profile: FilterProfile): SeccompFilter {
    const canonical = JSON.stringify(canonicalProfile(profile));
    const known = this.#filters.get(canonical);
    if (known !== undefined) return known;
    const filter = { bpf: this.#cached(profile, canonical), ...flagsOf(profile) };
    this.#filters.set(canonical, filter);
    return filter;
  }

  #cached(profile: FilterProfile, canonical: string): Buffer {
    const { identity } = this.#library;
    if (this.#cacheDir === undefined || identity === undefined) return assemble(profile, this.#arch, this.#library);
    const key = `${JSON.stringify([edition, identity, this.#arch])}${canonical}`;
    const kept = readCachedFilter(this.#cacheDir, key);
    if (kept !== undefined) return kept;
    const bpf = assemble(profile, this.#arch, this.#library);
    writeCachedFilter(this.#cacheDir, key, bpf);
    return bpf;
  }
}

/** What the filter depends on, in one order. */
function canonicalProfile(profile: FilterProfile): unknown[] {
  return [
    profile.defaultAction,
    profile.defaultErrnoRet,
    profile.architectures,
    profile.flags,
    profile.syscalls?.map(({ names, action, errnoRet, args }) => [
      names,
      action,
      errnoRet,
      args?.map(({ index, value, valueTwo, op }) => [index, value, valueTwo, op]),
    ]),
  ];
}

function assemble(profile: FilterProfile, arch: Arch, library: LibSeccomp): Buffer {
  const numbers = new Map<string, number>();
  const resolve = (on: number, name: string): number => {
    const key = `${name} ${on}`;
    const known = numbers.get(key) ?? library.resolve(on, name);
    const number = known === -1 ? recentNumber(on, name) : known;
    numbers.set(key, number);
    return number;
  };
  const defaultAction = actionValue(profile.defaultAction, profile.defaultErrnoRet);
  const { architectures = [] } = profile;
  const ranges = newerCalls(profile, defaultAction, (name) => resolve(nativeArch(arch), name));
  const tables = callTables(
    filterRules(profile),
    { arch, architectures, ranges, otherwise: defaultAction, foreign: KILL_PROCESS },
    resolve,
  );
  const bpf = assembleFilter(tables, defaultAction, KILL_PROCESS);
  if (bpf.length / 8 <= instructionLimit) return bpf;
  throw new TareError(`fit the seccomp filter, of ${bpf.length / 8} instructions, into ${instructionLimit}`, {
    errno: 'E2BIG',
    hint: 'compare fewer arguments, or name fewer architectures',
  });
}

/** Up to here numbers differ between architectures; all calls since Linux 5.1 have one. */
const lastOfTheOld = 423;
/** No call is near it yet. 32-bit ARM's own begin at 983040. */
const lastOfTheNew = 1023;

/**
 * Where the default is some errno, calls that are newer than whatever the profile names get ENOSYS instead, so that a
 * libc that tries them falls back. (runc's "enosys stub", which begins at the newest that the profile names.)
 */
function newerCalls(profile: FilterProfile, defaultAction: number, resolve: (name: string) => number): CallRange[] {
  const enosys = ERRNO + errnos.ENOSYS;
  if (profile.defaultAction !== 'SCMP_ACT_ERRNO' || defaultAction === enosys) return [];
  const named = (profile.syscalls ?? []).flatMap(({ names }) => names.map(resolve));
  const newest = Math.max(lastOfTheOld, ...named.filter((number) => number <= lastOfTheNew));
  return [{ from: newest + 1, to: lastOfTheNew, action: enosys }];
}
