/** Machines that the tests ask about their cgroups: mounts and memberships as the kernel writes them, and a tree of files. */
import { readFileSync } from 'node:fs';
import { type CgroupHost, describeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { parseCgroupMembership, parseMountinfo } from '../../../src/linux/proc.ts';

interface Group {
  controllers: string;
  subtree?: string;
  procs?: string;
  /** The root of all groups has no cgroup.type. */
  root?: true;
  ours?: true;
}

function host(mountinfo: string, membership: string, groups: Record<string, Group>): CgroupHost {
  const groupOf = (file: string): [Group | undefined, string] => {
    const slash = file.lastIndexOf('/');
    const name = file.slice(slash + 1);
    return name.startsWith('cgroup.') ? [groups[file.slice(0, slash)], name] : [groups[file], ''];
  };
  return describeCgroups(parseMountinfo(mountinfo), parseCgroupMembership(membership), {
    read: (file) => {
      const [group, name] = groupOf(file);
      if (group === undefined) return undefined;
      return {
        'cgroup.controllers': group.controllers,
        'cgroup.subtree_control': group.subtree ?? '',
        'cgroup.procs': group.procs ?? '',
        'cgroup.type': group.root ? undefined : 'domain\n',
      }[name];
    },
    writable: (file) => groupOf(file)[0]?.ours ?? false,
  });
}

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/proc/${name}`, import.meta.url), 'utf8');

const all = 'cpuset cpu io memory hugetlb pids rdma misc\n';
const unified = '25 22 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const user = '/sys/fs/cgroup/user.slice/user-1000.slice';

const v1 = ['cpu', 'cpuacct', 'cpuset', 'memory', 'blkio', 'pids'].map(
  (name) => [`/sys/fs/cgroup/${name}`, { controllers: '', ours: true }] as const,
);

/** All controllers but hugetlb are v1's. */
export const hybrid = (mountinfo = fixture('mountinfo.hybrid')): CgroupHost =>
  host(mountinfo, fixture('cgroup.hybrid'), {
    ...Object.fromEntries(v1),
    '/sys/fs/cgroup/unified': { controllers: 'hugetlb\n', root: true, ours: true, procs: '1\n2\n' },
  });

/** The same for someone who may make groups of v2 alone. */
export const hybridForV2 = (): CgroupHost => ({ ...hybrid(), v1Grantable: [] });

/** As systemd mounts v1: some controllers share a hierarchy. */
export const shared = (): CgroupHost =>
  hybrid(
    fixture('mountinfo.hybrid').replaceAll(
      /\/sys\/fs\/cgroup\/(cpu|cpuacct) rw(.*) rw,\1$/gm,
      '/sys/fs/cgroup/cpu rw$2 rw,cpu,cpuacct',
    ),
  );

export const systemdRoot = (): CgroupHost =>
  host(unified, '0::/user.slice/user-0.slice/session-1.scope\n', {
    '/sys/fs/cgroup': { controllers: all, subtree: 'cpu memory pids', root: true, ours: true, procs: '2\n' },
  });

/** Logged in over ssh: the session belongs to root. */
export const session = (): CgroupHost =>
  host(unified, '0::/user.slice/user-1000.slice/session-3.scope\n', {
    '/sys/fs/cgroup': { controllers: all, root: true },
    [`${user}/session-3.scope`]: { controllers: 'cpu memory pids\n', procs: '7\n' },
  });

/** Under `systemd-run --user --scope`. */
export const userScope = (): CgroupHost =>
  host(unified, '0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n', {
    '/sys/fs/cgroup': { controllers: all, root: true },
    [user]: { controllers: 'cpu memory pids\n' },
    [`${user}/user@1000.service`]: { controllers: 'cpu memory pids\n', ours: true },
    [`${user}/user@1000.service/app.slice`]: { controllers: 'cpu memory pids\n', ours: true },
    [`${user}/user@1000.service/app.slice/run-1.scope`]: { controllers: 'memory pids\n', procs: '7\n', ours: true },
  });

/** In a container of its own cgroup namespace, whose processes all live in the namespace's root. */
export const nested = (): CgroupHost =>
  host(unified, '0::/\n', {
    '/sys/fs/cgroup': { controllers: 'cpu memory pids\n', subtree: '', procs: '1\n9\n', ours: true },
  });

/** In a container that sees the hierarchy, but may not change it. */
export const readOnly = (): CgroupHost =>
  host(unified.replace('rw,', 'ro,'), '0::/\n', {
    '/sys/fs/cgroup': { controllers: 'cpu memory pids\n', procs: '1\n', ours: true },
  });

export const without = (): CgroupHost => host('22 1 0:21 / /proc rw - proc proc rw', '', {});
