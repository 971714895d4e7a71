/** What a container's root is made of: overlayfs, the kernel's filesystems, an image. */
import { closeSync, openSync } from 'node:fs';
import type { TareError } from '../../errors.ts';
import { flags, MNT, MOUNT_ATTR } from '../../linux/flags.ts';
import { builtFile } from '../../linux/native.ts';
import type { MountEntry } from '../../linux/proc.ts';
import { innerFd } from '../../launch/bootstrap.ts';
import { cloneTree, newFilesystem, setAttributes } from '../../launch/stage.ts';
import { ownMounts, ownOverlay, ownScratch, ownWorld, scratch } from '../grounds.ts';
import { mountFilesystems } from '../filesystems.ts';
import { type Finding, judge, no, onlyRoot, probes, yes } from '../probe.ts';
import { type Trials, waitForParent } from '../trials.ts';

/** Whether an ordinary user may mount them is a question of its own. */
const seen = ['proc', 'sysfs'] as const;

export const rootFilesystem = probes(
  {
    name: 'overlayfs as root',
    purpose: 'an image stays as it is under a layer that takes the writes',
    lost: 'busybox, host and dir: images; an oci: bundle brings its own root',
    cure: 'modprobe overlay, or a kernel with CONFIG_OVERLAY_FS',
    vital: 'root',
    examine: async ({ trials, host }) =>
      host().rootless
        ? onlyRoot
        : judge(
            await trials().child({ world: 'host' }, (b) => ownOverlay(b, 'host')),
            'layers read, written, deleted from',
          ),
  },
  {
    name: 'filesystems',
    purpose: '/proc, /sys, /dev and /dev/pts of a container',
    lost: 'every container with the default mounts',
    cure: 'see procfs and sysfs below',
    vital: 'everyone',
    examine: (machine) => {
      const { rootless } = machine.host();
      return mountFilesystems(machine, rootless ? 'user' : 'host', ['tmpfs', 'devpts', ...(rootless ? [] : seen)]);
    },
  },
  {
    name: 'more filesystems',
    purpose: '/dev/mqueue and /sys/fs/cgroup of a container',
    lost: 'those of the default mounts',
    cure: 'a kernel with CONFIG_POSIX_MQUEUE and CONFIG_CGROUPS',
    examine: (machine) => mountFilesystems(machine, ownWorld(machine.host()).world, ['mqueue', 'cgroup2']),
  },
  {
    name: 'pivot_root',
    purpose: "no name of the host's files is left in a container",
    lost: 'every container',
    cure: 'switch_root from the initial ramfs to a root that is mounted, or leave the chroot',
    vital: 'everyone',
    examine: async ({ trials, host }) =>
      judge(
        await trials().child(ownWorld(host()), (b) => {
          ownScratch(b);
          b.op('go to a new root', 'chdir', [scratch]);
          b.op('make it the root', 'pivot_root', ['.', '.']);
          b.op('let go of the old one', 'umount2', ['.', flags(MNT, 'DETACH')]);
        }),
        'the host lets itself be left behind',
      ),
  },
  {
    name: 'id-mapped mounts',
    purpose: 'a volume with the ids of a user namespace (--mount …,idmap)',
    lost: 'volumes with other ids there',
    cure: 'keep such volumes on ext4, xfs or btrfs; tmpfs has them since Linux 6.3, overlayfs since 5.19',
    examine: async ({ trials, host, mounts }) => (host().rootless ? onlyRoot : idMapped(trials(), mounts)),
  },
  {
    name: 'busybox image',
    purpose: 'tare run busybox',
    lost: 'the image busybox; host, dir:PATH and oci:PATH work',
    cure: 'npm run build, in the checkout of tare',
    examine: () => {
      try {
        return yes(builtFile('images/busybox'));
      } catch {
        return no('not built');
      }
    },
  },
);

async function idMapped(trials: Trials, mounts: readonly MountEntry[]): Promise<Finding> {
  const userNamespace = await openUserNamespace(trials);
  if (typeof userNamespace !== 'number') return judge(userNamespace, '');
  const places = [['tmpfs', undefined] as const, ...filesystemsInUse(mounts)];
  const refused = await Promise.all(places.map(([, path]) => mapMount(trials, userNamespace, path)));
  closeSync(userNamespace);
  const named = (wanted: boolean) =>
    places.filter((_, index) => (refused[index] === undefined) === wanted).map(([type]) => type);
  const bad = named(false);
  if (bad.length === 0) return yes(named(true).join(', '));
  const good = named(true).length === 0 ? 'none' : named(true).join(', ');
  const errno = refused.find((failure) => failure !== undefined)?.errno ?? 'refused';
  return no(`${good}; not ${bad.join(', ')}: ${errno}`);
}

/** A child makes one, we open it, the child goes. */
async function openUserNamespace(trials: Trials): Promise<number | TareError> {
  let opened = -1;
  const failure = await trials.child(
    {
      world: 'user',
      onStop: (pid) => {
        opened = openSync(`/proc/${pid}/ns/user`, 'r');
      },
    },
    waitForParent,
  );
  return failure ?? opened;
}

const mapMount = (trials: Trials, userNamespace: number, path: string | undefined): Promise<TareError | undefined> =>
  trials.child({ world: 'host', inner: [userNamespace] }, (b) => {
    ownMounts(b);
    const mount =
      path === undefined
        ? newFilesystem(b, 'a trial', 'tmpfs', [], flags(MOUNT_ATTR, 'NODEV'))
        : cloneTree(b, `take ${path}`, path, false);
    setAttributes(b, 'map its ids', mount, { set: flags(MOUNT_ATTR, 'IDMAP'), userNamespace: innerFd(0, 0) });
  });

/** A path for each sort of filesystem that volumes are likely to lie on. */
export function filesystemsInUse(mounts: readonly MountEntry[]): [type: string, path: string][] {
  const usual = ['/', '/home', '/srv', '/var', '/var/lib'];
  const found = new Map<string, string>();
  // Of two mounts on one place the later hides the earlier.
  for (const place of usual) {
    const mount = mounts.findLast(({ mountPoint }) => mountPoint === place);
    if (mount !== undefined && mount.type !== 'tmpfs' && !found.has(mount.type)) found.set(mount.type, place);
  }
  return [...found];
}
