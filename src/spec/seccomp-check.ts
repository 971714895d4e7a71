/**
 * What is wrong with a seccomp profile: Docker's form is the OCI's with a few fields more, so it is read as both.
 * Unknown fields are ignored, as the runtime-spec's "Extensibility" demands.
 */
import { capabilityNames } from './capability-names.ts';
import { pointer, problem } from './problem.ts';
import type { Problem } from './problem.ts';
import type { SeccompArchMap, SeccompCondition, SeccompProfile, SeccompProfileRule } from './seccomp-form.ts';
import { listOf, matching, objectOf, oneOf, required, text } from './shape.ts';
import type { Report, Sound } from './shape.ts';
import { seccomp } from './shapes/seccomp.ts';
import { UINT64_MAX } from './spec.ts';
import type { Seccomp, SeccompAction } from './spec.ts';

const libseccompArch = matching(/^SCMP_ARCH_\w+$/, 'must be an architecture of libseccomp such as SCMP_ARCH_X86_64');

const condition = objectOf<SeccompCondition>({
  caps: listOf(oneOf('a capability', capabilityNames)),
  arches: listOf(text),
  minKernel: matching(/^\d+\.\d+$/, 'must be a version such as 4.8'),
});

type Conditions = Pick<SeccompProfileRule, 'includes' | 'excludes'>;

/** What Docker's form adds. */
const additions = objectOf<{ archMap?: SeccompArchMap[]; syscalls?: Conditions[] }>({
  archMap: listOf(
    objectOf<SeccompArchMap>({ architecture: required(libseccompArch), subArchitectures: listOf(libseccompArch) }),
  ),
  syscalls: listOf(objectOf<Conditions>({ includes: condition, excludes: condition })),
});

/**
 * A profile in either form, or its problems. `null` counts as absent, as Go writes it, and the `name` of Docker's first
 * form as `names` of one.
 */
export function checkProfile(profile: unknown): { sound?: SeccompProfile; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  // What both readings find wrong, such as a rule that is no object, is one problem.
  const report: Report = (found) => {
    if (!problems.some(({ pointer: at, must }) => at === found.pointer && must === found.must)) problems.push(found);
  };
  const document = modernise(withoutNulls(profile));
  const oci = seccomp(document, '', report);
  const docker = additions(document, '', report);
  if (oci !== undefined) checkSeccomp(oci, '', report);
  if (holdsAny(docker?.archMap) && holdsAny(oci?.architectures)) {
    report(problem('/archMap', 'must not stand beside architectures; keep one of the two'));
  }
  if (problems.length > 0) return { problems };
  const syscalls = oci?.syscalls?.map((rule, i) => ({ ...rule, ...docker?.syscalls?.[i] }));
  // Nothing was left out where nothing was reported.
  return { sound: { ...oci, ...docker, ...(syscalls && { syscalls }) } as SeccompProfile, problems };
}

/** Faults that lie between the fields of a profile in the OCI's form; `at` is the pointer of the profile. */
export function checkSeccomp(profile: Sound<Seccomp>, at: string, report: Report): void {
  const { defaultAction, defaultErrnoRet, listenerPath, listenerMetadata, syscalls = [] } = profile;
  if (defaultAction === 'SCMP_ACT_NOTIFY') {
    report(problem(`${at}/defaultAction`, 'must not notify: the call that hands over the listener would wait for it'));
  }
  checkErrno(defaultErrnoRet, defaultAction, `${at}/defaultErrnoRet`, report);
  if (listenerMetadata !== undefined && listenerPath === undefined) {
    report(problem(`${at}/listenerMetadata`, 'must come with listenerPath, or it reaches nobody'));
  }
  for (const [i, rule] of syscalls.entries()) {
    const where = at + pointer('syscalls', i);
    if (rule?.names?.length === 0) report(problem(`${where}/names`, 'must name a call'));
    for (const [j, name] of (rule?.names ?? []).entries()) {
      if (name !== undefined && !/^\w+$/.test(name)) {
        report(problem(`${where}/names/${j}`, `must be the name of a call, not '${name}'`));
      }
    }
    checkErrno(rule?.errnoRet, rule?.action, `${where}/errnoRet`, report);
    if (rule?.action === 'SCMP_ACT_NOTIFY' && rule.names?.includes('sendmsg') === true) {
      report(problem(`${where}/names`, 'must not have sendmsg notified: it hands over the listener'));
    }
    if (rule?.action === 'SCMP_ACT_NOTIFY' && listenerPath === undefined) {
      report(problem(`${where}/action`, 'must come with listenerPath: nobody would answer the notification'));
    }
    for (const [j, arg] of (rule?.args ?? []).entries()) {
      checkDigits(arg?.value, `${where}/args/${j}/value`, report);
      checkDigits(arg?.valueTwo, `${where}/args/${j}/valueTwo`, report);
    }
  }
}

/** "When the action doesn't support an errno, the runtime MUST print and error and fail." */
function checkErrno(errno: number | undefined, action: SeccompAction | undefined, at: string, report: Report): void {
  if (errno === undefined || action === undefined || action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE') return;
  report(problem(at, `must not stand beside ${action}, which returns no errno`));
}

/** A comparison with a number that has lost its last digits would let through what it should not. */
function checkDigits(value: number | undefined, at: string, report: Report): void {
  if (value === undefined || value <= Number.MAX_SAFE_INTEGER || value === UINT64_MAX) return;
  report(problem(at, 'must be at most 2^53 - 1, or 2^64 - 1: JSON numbers between them lose digits'));
}

const holdsAny = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

function modernise(profile: unknown): unknown {
  if (typeof profile !== 'object' || profile === null || !('syscalls' in profile)) return profile;
  if (!Array.isArray(profile.syscalls)) return profile;
  return { ...profile, syscalls: profile.syscalls.map(modernRule) };
}

function modernRule(rule: unknown): unknown {
  if (typeof rule !== 'object' || rule === null || !('name' in rule)) return rule;
  const { name, ...rest } = rule;
  const names = 'names' in rest && Array.isArray(rest.names) ? rest.names : [];
  return { ...rest, names: [name, ...(names as unknown[])] };
}
