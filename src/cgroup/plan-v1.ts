/**
 * The groups of a container in hierarchies of cgroup v1, beside the one of v2 in which it is born. Pure.
 *
 *     /sys/fs/cgroup/unified/tare/web    made first and removed last: it says whose all are
 *     /sys/fs/cgroup/memory/tare/web     limits; the first process moves here before it executes anything
 *     /sys/fs/cgroup/pids/tare/web
 */
import path from 'node:path/posix';
import type { CgroupDirectory, CgroupRequest, V1Plan } from './driver.ts';
import { type CgroupHost, type V1Group, v1Groups, v1Name } from './hierarchy.ts';
import type { CgroupWrite, Limit } from './limits.ts';
import { compileV1Changes, compileV1Limits } from './limits-v1.ts';

/** What engines read of a container, and may change later. */
const counted = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'cpuset'];

/** Whether the limit, as v2 has it, is for v1 to keep. What is asked for by the name of a v2 file is not. */
export const isForV1 = ({ grantable, v1Grantable }: CgroupHost, { controller = '' }: Limit): boolean =>
  !grantable.includes(controller) && v1Grantable.includes(v1Name(controller));

/** @param leaf the container's group of v2 */
export function planV1(host: CgroupHost, { resources = {}, changes = false }: CgroupRequest, leaf: string): V1Plan[] {
  const all = changes ? compileV1Changes(resources) : compileV1Limits(resources);
  const limits = all.filter(({ controller }) => !host.grantable.includes(v2Name(controller)));
  const wanted = [
    ...new Set([...limits.map(({ controller }) => controller), ...(host.counts === true ? counted : [])]),
  ];
  return v1Groups(host, leaf, wanted).map(({ controllers, path: group }) => ({
    controllers,
    path: group,
    limits: limits
      .filter(({ controller }) => controllers.includes(controller))
      .map(({ controller: _, ...write }) => write),
  }));
}

const v2Name = (controller: string): string => (controller === 'blkio' ? 'io' : controller);

/** What of cpuset a new group must be given before anybody can live in it. */
const inherited = ['cpuset.cpus', 'cpuset.mems'] as const;

/** The text of a file, trimmed; `''` where there is none. */
export type ReadFile = (file: string) => string;

/** An engine makes the group of a pod, and leaves it to the runtime to see that somebody can live below it. */
const isEmpty = (group: string, read: ReadFile): boolean =>
  read(path.join(group, 'cgroup.clone_children')) !== '' &&
  inherited.some((file) => read(path.join(group, file)) === '');

/** From the top of the hierarchy down. One that was left there, or that somebody else has made, is taken as it is, but for a cpuset without processors. */
export function v1Directories({ v1 }: CgroupHost, group: V1Group, read: ReadFile): CgroupDirectory[] {
  const top = v1[group.controllers[0] ?? ''] ?? '/';
  const names = path.relative(top, group.path).split('/');
  const first = group.controllers.includes('cpuset') ? inheritedFrom(top, names, read) : [];
  return names.map((_, index) => {
    const made = path.join(top, ...names.slice(0, index + 1));
    const whose = made === group.path ? 'the container' : 'our containers';
    const why = `make the cgroup ${made} for ${whose}`;
    const fill = first.length > 0 && isEmpty(made, read);
    return { path: made, why, allow: ['EEXIST'], ...(first.length === 0 ? {} : { first }), ...(fill ? { fill } : {}) };
  });
}

/** A new group of cpuset has no processors and no memory, and takes only what the one above has. */
function inheritedFrom(top: string, names: readonly string[], read: ReadFile): CgroupWrite[] {
  return inherited.flatMap((file) => {
    const above = names.map((_, depth) => read(path.join(top, ...names.slice(0, depth), file)));
    const value = above.findLast((text) => text !== '') ?? '';
    return value === '' ? [] : [{ file, value, why: `have the ${file} of the group above, ${value}` }];
  });
}
