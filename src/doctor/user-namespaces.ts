/** Whether user namespaces can be had, and the setting in the way where they cannot: user_namespaces(7). */
import type { ProgramBuilder } from '../launch/program.ts';
import { CLONE, flags } from '../linux/flags.ts';

/** A host name can only be set by who has power over its namespace: AppArmor lends the namespace, and not the power. */
export function exercisePower(b: ProgramBuilder): void {
  b.op('make a uts namespace in a user namespace', 'unshare', [flags(CLONE, 'NEWUTS')]);
  b.op('set the host name in a user namespace', 'sethostname', ['trial', 5]);
}

/** What the kernel and its distributors have put in the way, where that can be told. */
export function userNamespaceCure(read: (path: string) => string | undefined, filtered: boolean): string {
  const is = (name: string, value: string): boolean => read(`/proc/sys/${name.replaceAll('.', '/')}`) === value;
  if (is('user.max_user_namespaces', '0')) return 'sysctl -w user.max_user_namespaces=15000';
  if (is('kernel.unprivileged_userns_clone', '0')) return 'sysctl -w kernel.unprivileged_userns_clone=1';
  if (is('kernel.apparmor_restrict_unprivileged_userns', '1'))
    return 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for node with "userns,"';
  if (filtered) return 'allow them where tare is contained itself: docker run --security-opt seccomp=unconfined';
  return 'leave the chroot, if this is one; else a kernel with CONFIG_USER_NS';
}
