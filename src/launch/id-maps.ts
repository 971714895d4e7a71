/** Id maps of a new user namespace: who may write them, and how. Pure; user_namespaces(7). */
import { AT_FDCWD } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import type { IdMap } from '../spec/request.ts';
import type { ProgramBuilder } from './program.ts';
import { writeFile } from './stage.ts';

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

/** Ours is the one id that everybody may map, to root of the new namespace that this process is in. */
export function mapToRoot(b: ProgramBuilder, uid: number, gid: number): void {
  writeFile(b, 'give up setgroups', AT_FDCWD, '/proc/self/setgroups', 'deny');
  writeFile(b, 'map our own group', AT_FDCWD, '/proc/self/gid_map', `0 ${gid} 1`);
  writeFile(b, 'map our own id', AT_FDCWD, '/proc/self/uid_map', `0 ${uid} 1`);
}
