/**
 * Why commands of labs fail with EPERM and the like on this machine: what is in the way is read from the kernel, so that only
 * what is really so here is said.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { readIdMap, readStatus } from '../index.ts';

const CAP_SYS_ADMIN = 21n;

/** A line for each, with its cure: `EPERM from …: because …`. */
export function obstacles(): readonly string[] {
  const { uid, capabilities, seccomp } = readStatus();
  const administers = ((capabilities.effective >> CAP_SYS_ADMIN) & 1n) === 1n;
  const root = uid.effective === 0;
  const namespaces = namespaceObstacle();
  return [
    !administers && !root
      ? `EPERM from unshare, mount, chroot: you are uid ${uid.effective} and they need CAP_SYS_ADMIN; become root with sudo -s, or root of your own with unshare --user --map-root-user`
      : '',
    !administers && root
      ? 'EPERM from unshare, mount: root lacks CAP_SYS_ADMIN, as in a container; use the machine around it, or docker run --privileged'
      : '',
    namespaces === undefined ? '' : `EPERM, ENOSPC from unshare --user: ${namespaces}`,
    seccomp === 'filter'
      ? 'EPERM, ENOSYS from calls that root may make: a seccomp filter judges all calls here, as in a container; docker run --security-opt seccomp=unconfined'
      : '',
    nested() ? 'EINVAL, EPERM from mount: this is a user namespace already, whose mounts are locked together' : '',
    !root && !hasSubordinateIds()
      ? `EPERM from newuidmap: ${userInfo().username} has no range in /etc/subuid; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${userInfo().username}`
      : '',
  ].filter(Boolean);
}

/** What forbids user namespaces to this user: user_namespaces(7), and what distributions have added. */
export function namespaceObstacle(): string | undefined {
  const root = readStatus().uid.effective === 0;
  if (setting('user/max_user_namespaces') === '0')
    return 'user.max_user_namespaces is 0; sysctl -w user.max_user_namespaces=15000';
  if (root) return undefined;
  if (setting('kernel/unprivileged_userns_clone') === '0')
    return 'kernel.unprivileged_userns_clone is 0; sysctl -w kernel.unprivileged_userns_clone=1';
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1')
    return 'AppArmor takes the power out of user namespaces; sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
  return undefined;
}

/** The first user namespace maps all ids onto themselves. */
function nested(): boolean {
  const [first] = readIdMap('self', 'uid');
  return first?.containerID !== 0 || first.hostID !== 0 || first.size < 2 ** 32 - 1;
}

function hasSubordinateIds(): boolean {
  const { username, uid } = userInfo();
  return new RegExp(`^(${username}|${uid}):`, 'm').test(read('/etc/subuid'));
}

const setting = (name: string): string => read(`/proc/sys/${name}`).trim();

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
