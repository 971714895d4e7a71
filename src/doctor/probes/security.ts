/** What keeps a payload in its place: seccomp, labels, capabilities. */
import { realpathSync } from 'node:fs';
import type { Arch } from '../../linux/abi.ts';
import { flags, KEYCTL, named, type Named, PR, SECCOMP } from '../../linux/flags.ts';
import { LibSeccomp } from '../../linux/libseccomp.ts';
import { openLibrary } from '../../linux/native.ts';
import { data, type ProgramBuilder } from '../../launch/program.ts';
import { capabilityNames } from '../../spec/capability-names.ts';
import { ownWorld } from '../grounds.ts';
import { messageOf } from '../machine.ts';
import { info, judge, no, onlyRoot, probes, yes } from '../probe.ts';

/** BPF_RET|BPF_K with SECCOMP_RET_ALLOW: `struct sock_filter` of seccomp(2). */
const allowAll = data('{allow}', [{ u16: 6 }, { u8: 0 }, { u8: 0 }, { u32: 0x7fff0000 }]);

function loadFilter(b: ProgramBuilder, how: Named): void {
  const program = data('{len: 1, filter}', [{ u16: 1 }, { bytes: new Uint8Array(6) }, { address: allowAll }]);
  b.op('forbid new privileges', 'prctl', [flags(PR, 'SET_NO_NEW_PRIVS'), 1, 0, 0, 0]);
  b.op('load a seccomp filter', 'seccomp', [flags(SECCOMP, 'SET_MODE_FILTER'), how, program]);
}

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
const auditArch: Record<Arch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** `2.5.4` of `/usr/lib/x86_64-linux-gnu/libseccomp.so.2.5.4`. */
const versionOf = (path: string): string => /\.so\.(\d+\.\d+.*)$/.exec(path)?.[1] ?? path;

/** What a missing capability takes from a root that otherwise has power over the host. */
const worth: Readonly<Record<string, string>> = {
  CAP_CHOWN: 'files of other owners in images',
  CAP_DAC_OVERRIDE: 'files of other owners in images',
  CAP_MKNOD: 'device nodes made in containers',
  CAP_NET_ADMIN: 'network interfaces of containers',
  CAP_SETFCAP: 'containers with it; maps of root into user namespaces',
  CAP_SETGID: 'groups of containers',
  CAP_SETUID: 'users of containers',
  CAP_SYS_ADMIN: 'namespaces without a user namespace',
  CAP_SYS_CHROOT: 'roots without a mount namespace',
  CAP_SYS_NICE: 'real-time scheduling and I/O',
  CAP_SYS_RESOURCE: 'hard limits (--ulimit) and OOM scores cannot be raised above our own',
  CAP_SYS_TIME: 'time offsets without a user namespace',
};

export const security = probes(
  {
    name: 'seccomp',
    purpose: 'system calls that a container does not need are refused',
    lost: 'the default filter; go without: --security-opt seccomp=unconfined',
    cure: 'a kernel with CONFIG_SECCOMP_FILTER',
    vital: 'everyone',
    examine: async ({ trials, read }) => {
      const failure = await trials().child({ world: 'host' }, (b) => loadFilter(b, named(0, '0')));
      const actions = read('/proc/sys/kernel/seccomp/actions_avail')?.replace(/kill_process kill_thread/, 'kill');
      return judge(failure, actions ?? 'filters load');
    },
  },
  {
    name: 'seccomp listeners',
    purpose: 'a supervisor that answers system calls of a container (SCMP_ACT_NOTIFY)',
    lost: 'profiles with SCMP_ACT_NOTIFY',
    cure: 'Linux 5.0 or later',
    cures: { EBUSY: 'run tare outside of the container that is listened to already' },
    examine: async ({ trials }) => {
      const listener = named(8, 'SECCOMP_FILTER_FLAG_NEW_LISTENER');
      return judge(
        await trials().child({ world: 'host' }, (b) => loadFilter(b, listener)),
        'filters can ask a supervisor',
      );
    },
  },
  {
    name: 'libseccomp',
    purpose: 'makes filters of profiles',
    lost: 'the default filter; go without: --security-opt seccomp=unconfined',
    cure: 'apt-get install libseccomp2',
    vital: 'everyone',
    examine: ({ host }) => {
      const library = new LibSeccomp(openLibrary);
      try {
        if (library.resolve(auditArch[host().arch], 'execve') < 0) return no('it knows no execve');
      } catch (error) {
        return no(messageOf(error));
      }
      const [path] = library.identity?.split(' ') ?? [];
      return yes(path === undefined ? 'found by the dynamic linker' : versionOf(realpathSync(path)));
    },
  },
  {
    name: 'AppArmor',
    purpose: 'profiles that a spec or --security-opt apparmor= names',
    lost: 'profiles',
    cure: 'boot with lsm=…,apparmor',
    examine: ({ read }) => {
      if (read('/sys/module/apparmor/parameters/enabled') !== 'Y')
        return info('not active: a spec that names a profile is refused');
      return yes(
        `active; we are ${read('/proc/self/attr/apparmor/current') ?? read('/proc/self/attr/current') ?? 'unknown'}`,
      );
    },
  },
  {
    name: 'SELinux',
    purpose: 'labels that a spec or --security-opt label= names',
    lost: 'labels',
    cure: 'boot with lsm=…,selinux',
    examine: ({ read }) => {
      const enforcing = read('/sys/fs/selinux/enforce');
      if (enforcing === undefined) return info('not active: a spec that names a label is refused');
      return yes(enforcing === '1' ? 'enforcing' : 'permissive');
    },
  },
  {
    name: 'capabilities',
    purpose: 'power over the host, to lend parts of it',
    lost: 'what needs them',
    cure: 'start tare where they are: outside of other containers, or with docker run --cap-add',
    examine: ({ host, status }) => {
      const { effective } = status.capabilities;
      const { rootless, lastCapability } = host();
      if (rootless) return onlyRoot;
      const missing = capabilityNames.filter(
        (_, number) => number <= lastCapability && ((effective >> BigInt(number)) & 1n) === 0n,
      );
      if (missing.length === 0) return yes('all of them');
      const lost = missing.flatMap((name) => worth[name] ?? []);
      const fact = `all but ${missing.join(', ')}`;
      return lost.length === 0 ? yes(fact) : no(fact, { lost: [...new Set(lost)].join('; ') });
    },
  },
  {
    name: 'our own confinement',
    purpose: 'calls that are refused to tare are refused to its containers',
    lost: 'setuid programs for tare: newuidmap cannot map subordinate ids',
    cure: 'start tare from a shell without no-new-privileges',
    examine: ({ status }) => {
      if (status.noNewPrivileges) return no('no-new-privileges is set for this process');
      return status.seccomp === 'filter' ? info('this process is under a seccomp filter itself') : yes('none');
    },
  },
  {
    name: 'session keyring',
    purpose: "keys of the caller's session stay the caller's",
    lost: "a keyring for each container: the caller's keys are in sight of it",
    cure: 'a kernel with CONFIG_KEYS',
    cures: {
      EDQUOT: 'sysctl -w kernel.keys.maxkeys=2000',
      EPERM: 'inside a container: docker run --security-opt seccomp=unconfined',
    },
    examine: async ({ trials, host }) =>
      judge(
        await trials().child(ownWorld(host()), (b) =>
          b.op('start a session keyring', 'keyctl', [flags(KEYCTL, 'JOIN_SESSION_KEYRING'), 0, 0, 0, 0]),
        ),
        'each container starts its own',
      ),
  },
  {
    name: 'core dumps',
    purpose: 'where the memory of a crashed payload goes',
    lost: 'core dumps in the container',
    cure: 'sysctl -w kernel.core_pattern=core',
    examine: ({ read }) => {
      const pattern = read('/proc/sys/kernel/core_pattern') ?? '';
      return pattern.startsWith('|')
        ? info(`go to the host's ${pattern.slice(1).split(' ')[0]}`)
        : yes(`core_pattern ${pattern}`);
    },
  },
);
