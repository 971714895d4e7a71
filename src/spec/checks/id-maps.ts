import { idMapProblems, isMapped } from '../id-maps.ts';
import { problem } from '../problem.ts';
import { isNew, namespaceOf, numbered } from './check.ts';
import type { Check } from './check.ts';

export const idMapChecks: readonly Check[] = [
  {
    name: 'maps are what the kernel takes (user_namespaces(7))',
    path: '/linux',
    *rule({ linux }) {
      yield* idMapProblems(linux?.uidMappings, '/linux/uidMappings');
      yield* idMapProblems(linux?.gidMappings, '/linux/gidMappings');
    },
  },
  {
    name: 'maps and a new user namespace come together',
    path: '/linux',
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
