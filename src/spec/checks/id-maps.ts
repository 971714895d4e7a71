import type { Problem } from '../problem.ts';
import { problem } from '../problem.ts';
import type { IdMap } from '../request.ts';
import type { Sound } from '../shape.ts';
import { isNew, namespaceOf, numbered } from './check.ts';
import type { Check } from './check.ts';

type IdMaps = readonly (Sound<IdMap> | undefined)[] | undefined;

/** The kernel's limit since Linux 4.15 (user_namespaces(7)). */
const mostExtents = 340;

/** Whether an id of the container has one on the host. */
export function isMapped(maps: readonly (Partial<IdMap> | undefined)[], id: number): boolean {
  return maps.some((map) => {
    const { containerID, size } = map ?? {};
    return containerID !== undefined && size !== undefined && id >= containerID && id - containerID < size;
  });
}

function* overlaps(maps: IdMaps, side: 'containerID' | 'hostID', at: string): Generator<Problem> {
  const ranges: { from: number; to: number }[] = [];
  for (const [index, map] of numbered(maps)) {
    const { [side]: from, size } = map;
    if (from === undefined || size === undefined) continue;
    const to = from + size;
    if (to > 2 ** 32) yield problem(`${at}/${index}/size`, `must end within 32 bits, counted from ${side} ${from}`);
    else if (ranges.some((range) => from < range.to && range.from < to)) {
      yield problem(`${at}/${index}`, `must not map a ${side} that an earlier entry maps`);
    }
    ranges.push({ from, to });
  }
}

/** What user_namespaces(7) asks of a map, wherever it stands. */
export function* idMapProblems(maps: IdMaps, at: string): Generator<Problem> {
  yield* overlaps(maps, 'containerID', at);
  yield* overlaps(maps, 'hostID', at);
  if ((maps?.length ?? 0) > mostExtents) yield problem(at, `must hold at most ${mostExtents} entries`);
}

export const idMapChecks: readonly Check[] = [
  {
    name: 'maps are what the kernel takes (user_namespaces(7))',
    path: '/linux/uidMappings',
    *rule({ linux }) {
      yield* idMapProblems(linux?.uidMappings, '/linux/uidMappings');
      yield* idMapProblems(linux?.gidMappings, '/linux/gidMappings');
    },
  },
  {
    name: 'maps and a new user namespace come together',
    path: '/linux/uidMappings',
    *rule(spec) {
      for (const field of ['uidMappings', 'gidMappings'] as const) {
        const given = (spec.linux?.[field]?.length ?? 0) > 0;
        if (isNew(spec, 'user') && !given) {
          yield problem(`/linux/${field}`, 'must be given: without it nobody exists in the new user namespace');
        } else if (given && namespaceOf(spec, 'user') === undefined) {
          yield problem(`/linux/${field}`, 'needs a user namespace: list one');
        } else if (given && !isNew(spec, 'user')) {
          yield problem(`/linux/${field}`, 'must be left out: the user namespace that is joined has its own');
        }
      }
    },
  },
  {
    name: 'the process runs as ids that exist in its user namespace',
    path: '/process/user',
    *rule(spec) {
      const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
      const { uid, gid, additionalGids } = spec.process?.user ?? {};
      if (!isNew(spec, 'user')) return;
      const uids = [[uid, '/process/user/uid']] as const;
      const gids = [
        [gid, '/process/user/gid'] as const,
        ...[...numbered(additionalGids)].map(([index, id]) => [id, `/process/user/additionalGids/${index}`] as const),
      ];
      for (const [ids, maps, field] of [
        [uids, uidMappings, 'uidMappings'],
        [gids, gidMappings, 'gidMappings'],
      ] as const) {
        for (const [id, at] of ids) {
          if (id === undefined || maps.length === 0 || isMapped(maps, id)) continue;
          yield problem(at, `must be an id that ${field} maps, not ${id}`);
        }
      }
    },
  },
];
