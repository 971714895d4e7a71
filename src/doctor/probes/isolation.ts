/** What a container can be given of its own: namespaces(7), and a machine of its own. */
import { closeSync, openSync } from 'node:fs';
import { AT_FDCWD, CLONE, flags } from '../../linux/flags.ts';
import { writeFile } from '../../launch/stage.ts';
import { ownWorld } from '../grounds.ts';
import { confined, info, judge, type Probe, yes } from '../probe.ts';
import { firstTrials, type Write } from '../trials.ts';
import { userNamespaceCure } from '../user-namespaces.ts';

interface Kind {
  readonly name: string;
  readonly flag: 'NEWNS' | 'NEWNET' | 'NEWIPC' | 'NEWUTS' | 'NEWCGROUP' | 'NEWTIME';
  /** The kernel's option, and its name in /proc/sys/user/max_*_namespaces. */
  readonly config: string;
  readonly limit: string;
  readonly gives: string;
  readonly vital: boolean;
  /** What is done in it. */
  readonly then?: Write;
}

const kinds: readonly Kind[] = [
  {
    name: 'mount',
    flag: 'NEWNS',
    config: 'NAMESPACES',
    limit: 'mnt',
    gives: 'a root and mounts of its own',
    vital: true,
  },
  { name: 'network', flag: 'NEWNET', config: 'NET_NS', limit: 'net', gives: 'a network stack of its own', vital: true },
  {
    name: 'ipc',
    flag: 'NEWIPC',
    config: 'IPC_NS',
    limit: 'ipc',
    gives: 'shared memory and queues of its own',
    vital: true,
  },
  {
    name: 'uts',
    flag: 'NEWUTS',
    config: 'UTS_NS',
    limit: 'uts',
    gives: 'a host name of its own',
    vital: true,
    then: (b) => b.op('set the host name in it', 'sethostname', ['trial', 5]),
  },
  {
    name: 'cgroup',
    flag: 'NEWCGROUP',
    config: 'CGROUPS',
    limit: 'cgroup',
    gives: 'a cgroup tree that begins at its own',
    vital: true,
  },
  {
    name: 'time',
    flag: 'NEWTIME',
    config: 'TIME_NS',
    limit: 'time',
    gives: 'clocks of its own (--time-offset)',
    vital: false,
    then: (b) => writeFile(b, 'set its clocks apart', AT_FDCWD, '/proc/self/timens_offsets', 'boottime 1 0\n'),
  },
];

const cures = (config: string, limit: string): Pick<Probe, 'cure' | 'cures'> => ({
  cure: `a kernel with CONFIG_${config}`,
  cures: {
    EPERM: confined,
    EACCES: confined,
    ENOSPC: `sysctl -w user.max_${limit}_namespaces=15000`,
  },
});

const unshared = ({ name, flag, config, limit, gives, vital, then }: Kind): Probe => ({
  name: `${name} namespace`,
  purpose: gives,
  lost: gives,
  ...cures(config, limit),
  ...(vital ? { vital: 'everyone' } : {}),
  examine: async ({ trials, host }) =>
    judge(
      await trials().child(ownWorld(host()), (b) => {
        b.op(`make a ${name} namespace`, 'unshare', [flags(CLONE, flag)]);
        then?.(b);
      }),
      gives,
    ),
});

const pid: Probe = {
  name: 'pid namespace',
  purpose: 'the payload is pid 1 and sees no process of the host',
  lost: 'processes of its own',
  ...cures('PID_NS', 'pid'),
  vital: 'everyone',
  examine: async ({ trials, host }) =>
    judge(await trials().child({ ...ownWorld(host()), newPid: true }, () => {}), 'processes of its own'),
};

const user: Probe = {
  name: 'user namespace',
  purpose: 'root inside that is nobody outside (--userns)',
  lost: 'root inside that is nobody outside (--userns)',
  cure: 'a kernel with CONFIG_USER_NS',
  examine: ({ trials, host, read, status }) => {
    const { noUser } = trials();
    if (host().rootless) return info(`see ${firstTrials.user}`);
    const cure = userNamespaceCure(read, status.seccomp === 'filter');
    return noUser === undefined ? yes('ids of its own') : { ...judge(noUser, ''), cure };
  },
};

const device = '/dev/kvm';

const kvm: Probe = {
  name: 'kvm',
  purpose: 'containers in a virtual machine of their own',
  lost: 'containers in a virtual machine of their own',
  cure: 'turn on virtualisation in the firmware, then modprobe kvm',
  examine: ({ user }) => {
    try {
      closeSync(openSync(device, 'r+'));
      return yes(`${device} opens`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES') return info(`${device} is closed to us; as root: usermod -aG kvm ${user}`);
      return info(`${device}: ${code}; only virtual machines need it`);
    }
  },
};

export const isolation: readonly Probe[] = [
  ...kinds.slice(0, 1).map(unshared),
  pid,
  ...kinds.slice(1).map(unshared),
  user,
  kvm,
];
