/** Containers of ordinary users: what a system must allow in user namespaces. user_namespaces(7), subuid(5). */
import { statSync } from 'node:fs';
import { helperArgs, mapToRoot } from '../../launch/id-maps.ts';
import { octal } from '../../launch/stage.ts';
import { AT_FDCWD, CLONE, flags, named, PR } from '../../linux/flags.ts';
import { grantedRanges, type IdRange, inUserNamespace, onPath } from '../../linux/host.ts';
import { mountFilesystems } from '../filesystems.ts';
import { ownOverlay, scratch } from '../grounds.ts';
import type { Machine } from '../machine.ts';
import { type Finding, info, judge, no, probes, yes } from '../probe.ts';
import { freeRange, grantees, rangeText } from '../subordinate-ids.ts';
import { firstTrials, waitForParent, type Write } from '../trials.ts';
import { exercisePower, userNamespaceCure } from '../user-namespaces.ts';

const nobody = 65534;

/** Root may do more than others: so the trial is made by nobody. */
const asNobody: Write = (b) => {
  b.op('leave the groups of root', 'setgroups', [0, 0]);
  b.op('become group nobody', 'setresgid', [nobody, nobody, nobody]);
  b.op('become user nobody', 'setresuid', [nobody, nobody, nobody]);
  b.op('own our files in /proc again', 'prctl', [flags(PR, 'SET_DUMPABLE'), 1, 0, 0, 0]);
  b.op('make a user namespace', 'unshare', [flags(CLONE, 'NEWUSER')]);
  mapToRoot(b, nobody, nobody);
  exercisePower(b);
};

interface Grant {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

function grantOf({ read, user, host }: Machine): Grant {
  const names = [user, String(host().uid)];
  const ranges = (file: string): IdRange[] => grantedRanges(read(file) ?? '', names);
  return { uids: ranges('/etc/subuid'), gids: ranges('/etc/subgid') };
}

function subordinateIds(machine: Machine): Finding {
  const { read, user, host } = machine;
  const texts = [read('/etc/subuid') ?? '', read('/etc/subgid') ?? ''];
  if (!host().rootless) {
    const users = grantees(texts[0] ?? '');
    return info(users.length === 0 ? 'granted to nobody; root needs none' : `granted to ${users.join(', ')}`);
  }
  const { uids, gids } = grantOf(machine);
  if (uids.length > 0 && gids.length > 0) return yes(uids.map(rangeText).join(', '));
  const { start, size } = freeRange(texts.join('\n'));
  const range = `${start}-${start + size - 1}`;
  const missing =
    uids.length > 0 ? '/etc/subgid has' : gids.length > 0 ? '/etc/subuid has' : '/etc/subuid and /etc/subgid have';
  return no(`${missing} none for ${user}`, {
    cure: `as root: usermod --add-subuids ${range} --add-subgids ${range} ${user}`,
  });
}

const helpers = ['newuidmap', 'newgidmap'] as const;

async function mapHelpers(machine: Machine): Promise<Finding> {
  const [newuidmap, newgidmap] = helpers.map(onPath);
  if (newuidmap === undefined || newgidmap === undefined) return no('not installed');
  const { uids, gids } = grantOf(machine);
  const [uid, gid] = [uids[0], gids[0]];
  if (machine.host().rootless && uid !== undefined && gid !== undefined)
    return mapWith(machine, [newuidmap, uid], [newgidmap, gid]);
  const plain = [newuidmap, newgidmap].filter((path) => (statSync(path).mode & 0o4000) === 0);
  if (plain.length === 0) return yes('installed, setuid root');
  // Fedora gives them file capabilities instead, which only a trial can tell.
  return info(`${plain.join(', ')} not setuid root`);
}

type Helper = readonly [path: string, range: IdRange];

/** A child waits in an unmapped user namespace, has its ids mapped, and becomes one of them. */
async function mapWith({ trials, host, env, status }: Machine, uids: Helper, gids: Helper): Promise<Finding> {
  const { uid, gid } = host();
  let said = '';
  const map = async (pid: number, [path, { start, size }]: Helper, own: number): Promise<void> => {
    const maps = [
      { containerID: 0, hostID: own, size: 1 },
      { containerID: 1, hostID: start, size },
    ];
    const { code, text } = await trials().output([path, ...helperArgs(pid, maps)], [`PATH=${env.PATH ?? ''}`]);
    if (code !== 0) said ||= text.trim();
  };
  const failure = await trials().child(
    {
      world: 'unmapped',
      onStop: async (pid) => {
        await map(pid, gids, gid);
        await map(pid, uids, uid);
      },
    },
    (b) => {
      waitForParent(b);
      b.op('become group 1', 'setresgid', [1, 1, 1]);
      b.op('become user 1', 'setresuid', [1, 1, 1]);
    },
  );
  if (failure === undefined) return yes('became user 1 of the range');
  const cure = status.noNewPrivileges
    ? 'start tare from a shell without no-new-privileges'
    : `as root: chmod u+s ${uids[0]} ${gids[0]}, on a mount without nosuid`;
  // There they are, and tare counts on them.
  return { ...judge(failure, ''), ...(said === '' ? {} : { fact: said }), cure, vital: true };
}

export const rootless = probes(
  {
    name: firstTrials.user,
    purpose: 'containers without root',
    lost: 'containers of ordinary users',
    cure: 'run as root',
    vital: 'rootless',
    examine: async ({ trials, host, read, status }) => {
      const ours = host().rootless || inUserNamespace();
      const failure = ours ? trials().noUser : await trials().child({ world: 'host' }, asNobody);
      const cure = userNamespaceCure(read, status.seccomp === 'filter');
      return { ...judge(failure, ours ? 'for ordinary users' : 'for ordinary users too'), cure };
    },
  },
  {
    name: 'subordinate ids',
    purpose: 'more than one user in a container',
    lost: 'users of a container other than its root (--user, files of other owners)',
    cure: 'as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER',
    examine: subordinateIds,
  },
  {
    name: helpers.join(', '),
    purpose: 'they map subordinate ids for ordinary users',
    lost: 'users of a container other than its root (--user, files of other owners)',
    cure: 'apt-get install uidmap',
    examine: mapHelpers,
  },
  {
    name: 'overlayfs',
    purpose: 'an image stays as it is under a layer that takes the writes',
    lost: 'busybox, host and dir: images for ordinary users; oci: bundles bring their own root',
    cure: 'Linux 5.11 or later; modprobe overlay',
    vital: 'rootless',
    examine: async ({ trials }) =>
      judge(await trials().child({ world: 'user' }, (b) => ownOverlay(b, 'user')), 'in user namespaces'),
  },
  {
    name: 'directories anew',
    purpose: 'a directory of the image that was deleted can be made again',
    lost: 'a directory of the image, once deleted, cannot be made again (EIO)',
    cure: 'Linux 6.6 or later with CONFIG_TMPFS_XATTR',
    examine: async ({ trials }) => {
      const failure = await trials().child({ world: 'user' }, (b) => {
        ownOverlay(b, 'user');
        const directory = `${scratch}/root/directory`;
        b.op('delete a directory of the image', 'unlinkat', [AT_FDCWD, directory, named(0x200, 'AT_REMOVEDIR')]);
        b.op('make it again', 'mkdirat', [AT_FDCWD, directory, octal(0o755)]);
      });
      return judge(failure, 'tmpfs holds user.* attributes');
    },
  },
  {
    name: 'procfs and sysfs',
    purpose: "a container's own /proc and /sys",
    lost: 'containers of ordinary users with the default mounts',
    cure: "unmount what hides parts of the host's own; in a container: docker run --security-opt systempaths=unconfined",
    vital: 'rootless',
    examine: (machine) => mountFilesystems(machine, 'user', ['proc', 'sysfs']),
  },
);
