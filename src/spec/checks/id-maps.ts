import { idMapProblems, isMapped } from '../id-maps.ts';
import { problem } from '../problem.ts';
import { check, isNew, namespaceOf, numbered } from './check.ts';

export const idMapChecks = [
  check('maps are what the kernel takes (user_namespaces(7))', '/linux', function* ({ linux }) {
    yield* idMapProblems(linux?.uidMappings, '/linux/uidMappings');
    yield* idMapProblems(linux?.gidMappings, '/linux/gidMappings');
  }),
  check('maps and a new user namespace come together', '/linux', function* (spec) {
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
  }),
  check('the process runs as ids that exist in its user namespace', '/process/user', function* (spec) {
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
  }),
];
