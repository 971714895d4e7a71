/** Ends what peers have left running, and removes their cgroups: after a weighing, or in the next one after a kill. */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { TareError } from '../errors.ts';
import { groupsOf, membersOf, removeGroup } from './groups.ts';
import { commandLineOf } from './processes.ts';
import type { Peer, Site } from './types/backend.ts';

/** Seconds, for what was killed to be gone. */
const patience = 20;

/**
 * Mounts and namespaces go with the last process in them.
 * @throws TareError that names what cannot be ended
 */
export async function clearSite(site: Site): Promise<void> {
  const deadline = performance.now() + patience * 1000;
  let stuck: unknown;
  while (performance.now() < deadline) {
    try {
      const pids = findProcesses(site);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      if (pids.length === 0) {
        for (const group of groupsOf(site)) removeGroup(group);
        return;
      }
    } catch (error) {
      stuck = error; // whatever was looked at may have gone meanwhile, or is about to
    }
    await pause(10);
  }
  const names = findProcesses(site).map((pid) => `${pid} ${commandLineOf(pid)[0]}`);
  throw new TareError(`clear ${site.directory}`, { hint: names.join(', '), cause: stuck });
}

/** The same peer; its disposal clears the site. */
export const clearing = (peer: Peer, site: Site): Peer => ({
  ...peer,
  [Symbol.asyncDispose]: async () => {
    await peer[Symbol.asyncDispose]();
    await clearSite(site);
  },
});

/** Who is in a group of the site, or has a file of the site among its words. */
function findProcesses(site: Site): number[] {
  const members = groupsOf(site).flatMap(membersOf);
  const users = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) =>
      commandLineOf(pid).some((word) => word.includes(`${site.directory}/`) || word.includes(`${site.disk}/`)),
    );
  return [...new Set([...members, ...users])].filter((pid) => pid !== process.pid);
}
