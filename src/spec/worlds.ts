/** Which namespaces a container gets, and how ids of its user namespace map to the host's. */
import type { IdMap, NamespaceChoice, NamespaceKind, RunRequest } from './request.ts';
import type { Sound } from './shape.ts';
import type { IdRange, SpecFacts } from './spec-facts.ts';
import type { Namespace } from './spec.ts';

const kinds: readonly NamespaceKind[] = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];

/** The choice for each of the eight kinds, defaults filled in. */
export type Worlds = Readonly<Record<NamespaceKind, Sound<NamespaceChoice>>>;

/** Every kind is new unless asked otherwise, but `user` and `time`, which few need and which change the most. */
export function chooseWorlds(request: Sound<RunRequest>, { rootless }: Pick<SpecFacts, 'rootless'>): Worlds {
  const { namespaces = {}, uidMappings, gidMappings, timeOffsets } = request;
  const mapped = uidMappings !== undefined || gidMappings !== undefined;
  return {
    pid: namespaces.pid ?? 'new',
    network: namespaces.network ?? 'new',
    mount: namespaces.mount ?? 'new',
    ipc: namespaces.ipc ?? 'new',
    uts: namespaces.uts ?? 'new',
    user: namespaces.user ?? (rootless || mapped ? 'new' : 'host'),
    cgroup: namespaces.cgroup ?? 'new',
    time: namespaces.time ?? (timeOffsets === undefined ? 'host' : 'new'),
  };
}

export function namespacesOf(worlds: Worlds): Namespace[] {
  return kinds.flatMap((type): Namespace[] => {
    const choice = worlds[type];
    if (choice === 'host') return [];
    return [choice === 'new' ? { type } : { type, path: choice.path }];
  });
}

export interface IdMaps<Map = IdMap> {
  uidMappings: Map[];
  gidMappings: Map[];
}

/** The caller is root inside; its subordinate ids follow, as many as there are. */
function rootlessMap(own: number, ranges: readonly IdRange[]): IdMap[] {
  const maps: IdMap[] = [{ containerID: 0, hostID: own, size: 1 }];
  let next = 1;
  for (const { start, size } of ranges) {
    maps.push({ containerID: next, hostID: start, size });
    next += size;
  }
  return maps;
}

/** Every id but the last, which is -1 to the kernel and means "no change". */
const everyId: IdMap = { containerID: 0, hostID: 0, size: 2 ** 32 - 1 };

/** The maps of a new user namespace; undefined where there is none to map. One sort of map stands for both. */
export function idMapsOf<Map>(
  request: { readonly uidMappings?: readonly Map[]; readonly gidMappings?: readonly Map[] },
  facts: SpecFacts,
  worlds: Worlds,
): IdMaps<Map | IdMap> | undefined {
  if (worlds.user !== 'new') return undefined;
  const { uidMappings = request.gidMappings, gidMappings = request.uidMappings } = request;
  if (uidMappings !== undefined && gidMappings !== undefined) {
    return { uidMappings: [...uidMappings], gidMappings: [...gidMappings] };
  }
  if (!facts.rootless) return { uidMappings: [everyId], gidMappings: [everyId] };
  return {
    uidMappings: rootlessMap(facts.uid, facts.subordinate?.uids ?? []),
    gidMappings: rootlessMap(facts.gid, facts.subordinate?.gids ?? []),
  };
}
