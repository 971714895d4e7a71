/**
 * Seccomp profiles: Docker's form, which depends on the host and the container's capabilities, becomes the OCI's, which
 * does not. A profile in the OCI's form passes through, checked.
 */
import type { Arch } from '../linux/abi.ts';
import { SpecError } from './problem.ts';
import { checkProfile } from './seccomp-check.ts';
import type { SeccompProfile, SeccompProfileRule } from './seccomp-form.ts';
import type { Seccomp } from './spec.ts';

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
