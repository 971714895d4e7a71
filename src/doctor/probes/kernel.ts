/** What the kernel must know: the calls that every launch program is made of. */
import { TareError } from '../../errors.ts';
import { AT_FDCWD, CLOSE_RANGE, flags, MOUNT_ATTR, MS, O } from '../../linux/flags.ts';
import { inRootArgs, newFilesystem, setAttributes } from '../../launch/stage.ts';
import { ownMounts, ownWorld } from '../grounds.ts';
import { messageOf } from '../machine.ts';
import { confined, judge, no, probes, yes } from '../probe.ts';
import { firstTrials } from '../trials.ts';

/** mount_setattr(2), the newest call that no container can do without. */
const least = [5, 12] as const;

const everything = 'every container';

export const kernel = probes(
  {
    name: 'Linux',
    purpose: 'the system calls that containers are made of',
    lost: 'calls that came later; the lines below say which',
    cure: `a kernel of ${least.join('.')} or later; Debian 12 has 6.1`,
    examine: ({ release }) => {
      const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
      const recent = major > least[0] || (major === least[0] && minor >= least[1]);
      return recent ? yes(release) : no(`${release} is older than ${least.join('.')}`);
    },
  },
  {
    name: 'processor',
    purpose: 'system call numbers and a few lines of assembly',
    lost: everything,
    cure: 'a machine with x86-64 or arm64',
    vital: 'everyone',
    examine: () => {
      const name = { x64: 'x86-64', arm64: 'arm64' }[process.arch as string];
      return name === undefined ? no(process.arch) : yes(name);
    },
  },
  {
    name: firstTrials.child,
    purpose: 'a child that is born in its namespaces and followed by its pidfd',
    lost: everything,
    cure: 'npm run build, in the checkout of tare',
    vital: 'everyone',
    examine: ({ obstacle, status }) => {
      if (obstacle === undefined) return yes('a child ran a program from sealed memory');
      if (!(obstacle instanceof TareError)) return no(messageOf(obstacle));
      const cure = status.seccomp === 'filter' ? underFilter : startCure(obstacle);
      return { ...judge(obstacle, ''), ...(cure === undefined ? {} : { cure }) };
    },
  },
  {
    name: 'memory to execute',
    purpose: 'tare-init runs from sealed memory, so that no payload can reach a file of the host by it',
    lost: everything,
    cure: 'sysctl -w vm.memfd_noexec=1',
    vital: 'everyone',
    examine: ({ read }) => {
      const level = read('/proc/sys/vm/memfd_noexec');
      if (level === undefined) return yes('memfd_create has no restrictions');
      return level === '2' ? no('vm.memfd_noexec=2 forbids it') : yes(`vm.memfd_noexec=${level} lets it be asked for`);
    },
  },
  {
    name: 'pidfd',
    purpose: 'signals that never reach another process',
    lost: 'exits of containers, and signals to them',
    cure: 'Linux 5.3 or later',
    vital: 'everyone',
    examine: ({ trials }) =>
      judge(
        trials().here((b) => {
          const pidfd = b.result('pidfd', 'open our own pidfd', 'pidfd_open', [process.pid, 0]);
          b.op('ask whether a signal could be sent', 'pidfd_send_signal', [pidfd, 0, 0, 0]);
          b.op('close it', 'close', [pidfd]);
        }),
        'signals go by file descriptor',
      ),
  },
  {
    name: 'close_range',
    purpose: 'no file of the runtime reaches a payload (CVE-2024-21626)',
    lost: everything,
    cure: 'Linux 5.11 or later',
    vital: 'everyone',
    examine: ({ trials }) =>
      judge(
        // Up there nothing is open.
        trials().here((b) =>
          b.op('mark no file close-on-exec', 'close_range', [0xfffffff0, 0xffffffff, flags(CLOSE_RANGE, 'CLOEXEC')]),
        ),
        'close-on-exec for all at once',
      ),
  },
  {
    name: 'openat2',
    purpose: 'paths of an image are resolved within the image, whatever its links say',
    lost: everything,
    cure: 'Linux 5.6 or later',
    vital: 'everyone',
    examine: ({ trials }) =>
      judge(
        trials().here((b) => {
          const path = flags(O, 'PATH', 'CLOEXEC');
          const top = b.result('root', 'open /', 'openat', [AT_FDCWD, '/', path, 0]);
          const below = b.result('proc', 'open what lies below it', 'openat2', inRootArgs(top, '../proc', path));
          b.op('close it', 'close', [below]);
          b.op('close /', 'close', [top]);
        }),
        'paths stay below a root',
      ),
  },
  {
    name: 'mount API',
    purpose: 'mounts that are made first and attached to an open target afterwards',
    lost: everything,
    cure: 'Linux 5.2 or later',
    cures: { EPERM: confined },
    vital: 'everyone',
    examine: async ({ trials, host }) =>
      judge(
        await trials().child(ownWorld(host()), (b) => {
          ownMounts(b);
          newFilesystem(b, 'a trial', 'tmpfs', [['mode', '0700']], flags(MOUNT_ATTR, 'NODEV'));
        }),
        'fsopen, fsconfig, fsmount',
      ),
  },
  {
    name: 'mount_setattr',
    purpose: 'options and propagation of a mount, recursive ones (rro …) too',
    lost: everything,
    cure: 'Linux 5.12 or later',
    cures: { EPERM: confined },
    vital: 'everyone',
    examine: async ({ trials, host }) =>
      judge(
        await trials().child(ownWorld(host()), (b) => {
          ownMounts(b);
          const mount = newFilesystem(b, 'a trial', 'tmpfs', [], flags(MOUNT_ATTR, 'NODEV'));
          setAttributes(b, 'make it read-only, all the way down', mount, {
            set: flags(MOUNT_ATTR, 'RDONLY'),
            propagation: flags(MS, 'PRIVATE'),
            recursive: true,
          });
        }),
        'recursively too',
      ),
  },
);

const underFilter = 'inside a container: docker run --security-opt seccomp=unconfined, or run tare on the host';

function startCure({ errno = '', hint }: TareError): string | undefined {
  const cures: Record<string, string> = {
    ENOSYS: 'Linux 5.5 or later',
    EINVAL: 'Linux 5.5 or later',
    EACCES: 'sysctl -w vm.memfd_noexec=1',
    EAGAIN: 'raise ulimit -u, or pids.max of the cgroup',
    EMFILE: 'ulimit -n 65536',
  };
  return cures[errno] ?? hint;
}
