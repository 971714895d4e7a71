/** Id maps of a new user namespace: who may write them, and how. Pure; user_namespaces(7). */
import type { Host } from '../linux/host.ts';
import type { IdMap } from '../spec/request.ts';

export interface IdMaps {
  readonly uids: readonly IdMap[];
  readonly gids: readonly IdMap[];
}

/**
 * `write`: into /proc/PID/uid_map ourselves, as whoever has power over the ids may. `single`: the one map that everybody
 * may write, of the own id, at the price of setgroups(2). `helper`: through newuidmap(1), which /etc/subuid empowers.
 */
export type IdMapWay = 'write' | 'single' | 'helper';

export function idMapWay(maps: IdMaps, host: Pick<Host, 'rootless' | 'uid' | 'gid'>): IdMapWay {
  if (!host.rootless) return 'write';
  const single = (list: readonly IdMap[], id: number) =>
    list.length === 1 && list[0]?.size === 1 && list[0].hostID === id;
  return single(maps.uids, host.uid) && single(maps.gids, host.gid) ? 'single' : 'helper';
}

/** The text that /proc/PID/uid_map takes. */
export const mapText = (maps: readonly IdMap[]): string =>
  maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

/** The arguments of newuidmap(1) and newgidmap(1). */
export const helperArgs = (pid: number, maps: readonly IdMap[]): string[] => [
  String(pid),
  ...maps.flatMap(({ containerID, hostID, size }) => [String(containerID), String(hostID), String(size)]),
];
