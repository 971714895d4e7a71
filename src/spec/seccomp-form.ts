/**
 * Docker's form of a seccomp profile: the OCI's (config-linux.md, "Seccomp") and what depends on the host and the
 * container's capabilities (docs.docker.com/engine/security/seccomp).
 */
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
