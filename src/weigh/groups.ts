/** The cgroups that peers make, in whichever hierarchies there are: all below one name, which leads to whatever is left. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { readMountinfo } from '../linux/proc.ts';
import type { Site } from './types/backend.ts';

/** The same for the same site, also in the weighing that finds it left over. */
export const groupOf = ({ directory }: Site): string =>
  `tare-weigh-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;

/** The site's groups that there are: a directory in each hierarchy, absolute. */
export const groupsOf = (site: Site): string[] =>
  hierarchies()
    .map(({ mountPoint }) => join(mountPoint, groupOf(site)))
    .filter((path) => existsSync(path));

/** Makes the site's group where processes are only named, and nothing of them is limited: systemd's own and cgroup2. */
export function makeNamingGroups(site: Site): string[] {
  const naming = hierarchies().filter(
    ({ type, superOptions }) => type === 'cgroup2' || superOptions.includes('name=systemd'),
  );
  return naming.map(({ mountPoint }) => {
    const group = join(mountPoint, groupOf(site));
    mkdirSync(group, { recursive: true });
    return group;
  });
}

/** Pids of all processes in and below a group. */
export function membersOf(group: string): number[] {
  const lists = [group, ...below(group)].map((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8'));
  return lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number));
}

/** @throws the errno of what is in use */
export function removeGroup(group: string): void {
  for (const path of [...below(group).toReversed(), group]) rmdirSync(path);
}

/** Those inside come after those that they are in. */
const below = (group: string): string[] =>
  readdirSync(group, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(group, name), ...below(join(group, name))]);

const hierarchies = () => readMountinfo().filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
