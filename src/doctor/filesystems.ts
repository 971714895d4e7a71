/** The kernel's own filesystems, each mounted for a moment where nobody sees it. */
import { CLONE, flags, MOUNT_ATTR } from '../linux/flags.ts';
import { newFilesystem } from '../launch/stage.ts';
import { ownMounts } from './grounds.ts';
import type { Machine } from './machine.ts';
import { type Finding, no, yes } from './probe.ts';
import type { World } from './trials.ts';

/** Some show what belongs to a namespace: whoever mounts them must own it. */
const owned = {
  proc: undefined,
  sysfs: 'NEWNET',
  tmpfs: undefined,
  devpts: undefined,
  mqueue: 'NEWIPC',
  cgroup2: 'NEWCGROUP',
} as const;

type Filesystem = keyof typeof owned;

export async function mountFilesystems(
  { trials }: Machine,
  world: World,
  types: readonly Filesystem[],
): Promise<Finding> {
  const failures = await Promise.all(types.map((type) => mountOne(trials(), world, type)));
  const bad = types.flatMap((type, index) =>
    failures[index] === undefined ? [] : `${type} (${failures[index].errno})`,
  );
  const good = types.filter((_, index) => failures[index] === undefined);
  if (bad.length === 0) return yes(good.join(', '));
  const errno = failures.find((failure) => failure !== undefined)?.errno;
  return { ...no(`not ${bad.join(', ')}`), ...(errno === undefined ? {} : { errno }) };
}

const mountOne = (trials: ReturnType<Machine['trials']>, world: World, type: Filesystem) =>
  trials.child({ world, newPid: true }, (b) => {
    const namespace = owned[type];
    if (namespace !== undefined) b.op(`own what ${type} shows`, 'unshare', [flags(CLONE, namespace)]);
    ownMounts(b);
    newFilesystem(
      b,
      'a trial',
      type,
      type === 'devpts' ? [['newinstance', undefined]] : [],
      flags(MOUNT_ATTR, 'NOSUID', 'NOEXEC'),
    );
  });
