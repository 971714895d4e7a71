/**
 * What a test needs of the machine: `test.runIf(needs('root', 'cgroup2'))('…', …)`.
 *
 * A need that is not met is said aloud, once a use. Where TARE_MUST_RUN=1, on machines that are known to have
 * everything, a skip hides a broken machine or a broken check: then each unmet need is a failing test.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'vitest';
import { probeCgroups, v1Name } from '../../src/cgroup/hierarchy.ts';
import { readStatus } from '../../src/linux/proc.ts';

const CAP_SYS_ADMIN = 21n;

const readable = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

function accessible(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Also where an ordinary user's PATH does not lead: useradd, newuidmap and busybox may lie there. */
const onPath = (name: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((directory) =>
    accessible(join(directory, name), constants.X_OK),
  );

/** Why the machine lacks it, or undefined where it does not. */
const lacks = {
  root: () => {
    const { uid, capabilities } = readStatus();
    if (uid.effective !== 0) return `runs as uid ${uid.effective}: run as root`;
    const administers = ((capabilities.effective >> CAP_SYS_ADMIN) & 1n) === 1n;
    return administers ? undefined : 'root without CAP_SYS_ADMIN: run outside this container';
  },
  cgroup2: () => {
    const { mount, delegated } = probeCgroups();
    if (mount === undefined) return 'cgroup v2 is not mounted';
    return delegated === undefined ? `no group under ${mount} is ours to divide: run as root` : undefined;
  },
  userns: () => {
    const { status, stderr } = spawnSync('/usr/bin/unshare', ['--user', '--map-root-user', 'true'], {
      encoding: 'utf8',
    });
    return status === 0 ? undefined : `a user namespace cannot be made: ${stderr.trim() || 'no unshare(1)'}`;
  },
  rootless: () => {
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const mount = ['--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'];
    const { status, stderr } = spawnSync('/usr/bin/unshare', mount, { ...nobody, encoding: 'utf8' });
    return status === 0 ? undefined : `an ordinary user has no use of namespaces: ${stderr.trim() || 'no unshare(1)'}`;
  },
  timens: () => (existsSync('/proc/self/ns/time') ? undefined : 'the kernel has no time namespaces (Linux 5.6)'),
  overlay: () =>
    /\toverlay$/m.test(readable('/proc/filesystems')) ? undefined : 'the kernel has no overlay: modprobe overlay',
  psi: () => (existsSync('/proc/pressure/cpu') ? undefined : 'the kernel has no PSI: boot with psi=1'),
  busybox: () => (onPath('busybox') ? undefined : 'there is no busybox: apt-get install busybox-static'),
  subids: () => {
    const tools = ['newuidmap', 'newgidmap'].filter((tool) => !onPath(tool));
    if (tools.length > 0) return `there is no ${tools.join(' and no ')}: apt-get install uidmap`;
    return existsSync('/etc/subuid') && existsSync('/etc/subgid')
      ? undefined
      : 'there is no /etc/subuid and /etc/subgid';
  },
  apparmor: () =>
    readable('/sys/module/apparmor/parameters/enabled').startsWith('Y') ? undefined : 'AppArmor is off in this kernel',
  selinux: () => (existsSync('/sys/fs/selinux/enforce') ? undefined : 'SELinux is off in this kernel'),
  kvm: () => (accessible('/dev/kvm', constants.R_OK | constants.W_OK) ? undefined : '/dev/kvm may not be used'),
} satisfies Record<string, () => string | undefined>;

/**
 * `controller:memory` is a cgroup v2 controller that our groups can have, `limit:memory` one of either version (by v2's
 * name), `tool:strace` a program.
 */
export type Need = keyof typeof lacks | `controller:${string}` | `limit:${string}` | `tool:${string}`;

function reason(need: Need): string | undefined {
  const [kind, name] = need.split(':');
  if (name === undefined) return lacks[need as keyof typeof lacks]();
  if (kind === 'tool') return onPath(name) ? undefined : `there is no ${name}`;
  const { grantable, v1Grantable } = probeCgroups();
  if (kind === 'limit' && v1Grantable.includes(v1Name(name))) return undefined;
  return grantable.includes(name) ? undefined : `cgroup v2 cannot give our groups the ${name} controller`;
}

/** Whether the machine has all of it. To be called where tests are defined. */
export function needs(...all: Need[]): boolean {
  const missing = all.flatMap((need) => {
    const why = reason(need);
    return why === undefined ? [] : [`needs ${need}: ${why}`];
  });
  for (const text of missing) {
    if (process.env.TARE_MUST_RUN === '1') {
      test(text, () => {
        throw new Error(`${text}, and TARE_MUST_RUN=1 makes this skip a failure`);
      });
    } else process.stderr.write(`skipped: ${text}\n`);
  }
  return missing.length === 0;
}
