/** Where a peer may leave what it likes: a mount namespace of its own, in which the host's places for that are empty. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Site } from './types/backend.ts';

/**
 * crun and runc refuse a host whose v1 controllers stand beside a cgroup2 that has some too, so they are run out of sight
 * of it.
 */
const unified = '/sys/fs/cgroup/unified';
const umountUnified = (): string[] => (existsSync(join(unified, 'cgroup.procs')) ? [`umount ${unified}`] : []);

/** Words to put before a command: entered once and not timed; nothing where nothing is to be hidden. */
export function outOfSight(): string[] {
  const lines = umountUnified();
  return lines.length === 0 ? [] : inMounts([...lines, 'exec "$@"']);
}

/** State, locks and caches that no option leads elsewhere. Of securityfs: profiles of AppArmor would stay in the kernel. */
const hidden = ['/run', '/var/lib', '/dev/shm', '/sys/kernel/security'];

interface Apart {
  /** Whether cgroup2 is out of sight where it is one hierarchy among several. */
  readonly unifiedToo?: boolean;
  /** Lines of a shell, for which `$@` is the command. */
  readonly steps?: readonly string[];
}

/** The job's root as a peer sees it that is apart. */
export const rootApart = ({ directory }: Site): string => join(directory, 'root');

/**
 * Words to put before a command that are entered once and not timed: the site is where it was, the job's root below it
 * (`rootApart`), and what is written to the hidden places is gone with the last process.
 */
export function apart(job: Job, site: Site, { unifiedToo = false, steps = ['exec "$@"'] }: Apart = {}): string[] {
  mkdirSync(rootApart(site), { recursive: true });
  const lines = [
    'site=$1 root=$2; shift 2',
    'mount --bind "$root" "$site/root" && cd "$site"',
    ...hidden.filter((place) => existsSync(place)).map((place) => `mount -t tmpfs -o mode=755 tmpfs ${place}`),
    // The current directory is still there, though no path leads to it any more.
    'mkdir -p "$site" && mount --no-canonicalize --rbind . "$site" && cd /',
    ...(unifiedToo ? umountUnified() : []),
    ...steps,
  ];
  return [...inMounts(lines), site.directory, job.root];
}

const inMounts = (lines: readonly string[]): string[] => {
  const script = ['set -e', ...lines].join('\n');
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
};
