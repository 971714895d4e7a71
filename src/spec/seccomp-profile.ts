/**
 * Seccomp profiles: Docker's form, which depends on the host and the container's capabilities, becomes the OCI's, which
 * does not. A profile in the OCI's form passes through, checked.
 *
 * Docker's form adds `archMap` to the profile and `includes`, `excludes` and `comment` to each rule
 * (docs.docker.com/engine/security/seccomp); the OCI's is config-linux.md, "Seccomp". Unknown properties are ignored,
 * as the runtime-spec's "Extensibility" demands, and `null` counts as absent, as Go writes it.
 */
import type { Arch } from '../linux/abi.ts';
import { SpecError } from './problem.ts';
import { checkProfile } from './seccomp-check.ts';
import type { Seccomp, SeccompRule } from './spec.ts';

/** A rule applies where everything it includes is there and nothing that it excludes. */
export interface SeccompCondition {
  /** Of the bounding set, such as `CAP_SYS_ADMIN`: all of them to include, any of them to exclude. */
  caps?: string[];
  /** Go's names, such as `amd64`: any of them. */
  arches?: string[];
  /** Such as `4.8`: this kernel or a later one. */
  minKernel?: string;
}

export interface SeccompProfileRule extends SeccompRule {
  comment?: string;
  includes?: SeccompCondition;
  excludes?: SeccompCondition;
}

/** Such as `SCMP_ARCH_X86_64`, and those whose programs the same kernel runs. */
export interface SeccompArchMap {
  architecture: string;
  subArchitectures?: string[];
}

/** Docker's form. */
export interface SeccompProfile extends Omit<Seccomp, 'syscalls'> {
  /** The entry for the host's own architecture says which others its filter serves. */
  archMap?: SeccompArchMap[];
  syscalls?: SeccompProfileRule[];
}

/** What a profile in Docker's form depends on. */
export interface SeccompFacts {
  arch: Arch;
  /** Major and minor version. */
  kernel: readonly [major: number, minor: number];
  /** The container's bounding set, such as `CAP_CHOWN`. */
  capabilities: readonly string[];
}

/** The same machine in the words of Go, which profiles' `arches` use, and of libseccomp. */
const machines: Record<Arch, { go: string; libseccomp: string }> = {
  x64: { go: 'amd64', libseccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', libseccomp: 'SCMP_ARCH_AARCH64' },
};

/**
 * The OCI's form of a profile in either form, for one host and one container.
 *
 * @throws SpecError with every problem
 */
export function resolveSeccomp(profile: unknown, facts: SeccompFacts): Seccomp {
  const { sound, problems } = checkProfile(profile);
  if (sound === undefined) throw new SpecError('check the seccomp profile', problems);
  return selectRules(sound, facts);
}

/** The same for a profile that is known to be sound, such as the default one. */
export function selectRules({ archMap, syscalls, ...rest }: SeccompProfile, facts: SeccompFacts): Seccomp {
  const native = archMap?.find(({ architecture }) => architecture === machines[facts.arch].libseccomp);
  const architectures = native ? [native.architecture, ...(native.subArchitectures ?? [])] : rest.architectures;
  const rules = (syscalls ?? []).filter((rule) => applies(rule, facts));
  return {
    ...rest,
    ...(architectures && { architectures }),
    syscalls: rules.map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args !== undefined && args.length > 0 && { args }),
    })),
  };
}

function applies(
  { includes = {}, excludes = {} }: SeccompProfileRule,
  { arch, kernel, capabilities }: SeccompFacts,
): boolean {
  const { go } = machines[arch];
  const has = (cap: string): boolean => capabilities.includes(cap);
  if (excludes.caps?.some(has) === true) return false;
  if (excludes.arches?.includes(go) === true) return false;
  if (excludes.minKernel !== undefined && reaches(kernel, excludes.minKernel)) return false;
  if (includes.caps?.every(has) === false) return false;
  if (includes.arches !== undefined && includes.arches.length > 0 && !includes.arches.includes(go)) return false;
  return includes.minKernel === undefined || reaches(kernel, includes.minKernel);
}

function reaches([major, minor]: SeccompFacts['kernel'], minKernel: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = minKernel.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
