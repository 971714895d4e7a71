/**
 * Groups whose maker was killed before it could remove them: who starts the next container takes them away.
 *
 * A group says whose it is (`user.tare.owner`, written before anything lives in it). Only an abandoned group is touched, and
 * only under a lock that the kernel lets go with its holder: nobody else can remove it meanwhile and give its name away.
 */
import { closeSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path/posix';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Cgroup } from '../cgroup/cgroup.ts';
import { type CgroupHost, v1Groups } from '../cgroup/hierarchy.ts';
import { ownerAttribute } from '../launch/cgroup.ts';
import { type Cell, cell, data, ProgramBuilder } from '../launch/program.ts';
import type { Spawner } from '../launch/spawn.ts';
import { errnos } from '../linux/abi.ts';
import { tryLock } from './lock.ts';
import { isAlive } from './owner.ts';

/** How long after it was made a group may still lack an owner, in ms: its maker writes that down with the very next call. */
const grace = 10_000;

/** So many groups are asked in one go: some tens of µs. */
const batch = 32;

/** How long to wait for others who sweep, in ms. */
const patience = 5000;

export interface Grounds {
  readonly spawner: Spawner;
  readonly cgroups: Pick<CgroupHost, 'parent' | 'mount' | 'v1' | 'v1Grantable'>;
}

export interface SweepOptions {
  /** Wait for others who sweep, who may have looked before there was what we are here for. */
  readonly patient?: boolean;
}

/** Ends and removes what killed processes have left under our parent group. Tolerates others that do the same. */
export async function sweepCgroups(grounds: Grounds, options: SweepOptions = {}): Promise<void> {
  const groups = groupsUnder(grounds.cgroups.parent);
  const abandoned: string[] = [];
  for (let at = 0; at < groups.length; at += batch) {
    if (at > 0) await setImmediate();
    abandoned.push(...findAbandoned(grounds, groups.slice(at, at + batch)));
  }
  await remove(grounds, abandoned, options);
}

/** Removes one group if its owner is gone; whether it is removed. */
export async function sweepCgroup(grounds: Grounds, group: string): Promise<boolean> {
  return (await remove(grounds, findAbandoned(grounds, [group]), { patient: true })) === 1;
}

async function remove(grounds: Grounds, groups: readonly string[], { patient = false }: SweepOptions): Promise<number> {
  const { parent } = grounds.cgroups;
  if (groups.length === 0 || parent === undefined) return 0;
  const lock = await takeLock(grounds.spawner, parent, patient ? patience : 0);
  if (lock === undefined) return 0; // who holds it does what we would
  try {
    // Before the lock was ours another may have removed a group, and somebody may have made it anew.
    const still = findAbandoned(grounds, groups);
    // What will not go is left to the next who tries.
    const results = await Promise.allSettled(
      still.map((group) => new Cgroup(group, v1Groups(grounds.cgroups, group)).remove()),
    );
    return results.filter(({ status }) => status === 'fulfilled').length;
  } finally {
    closeSync(lock);
  }
}

function findAbandoned({ spawner }: Grounds, groups: readonly string[]): string[] {
  const owners = readOwners(spawner, groups);
  return groups.filter((group) => {
    const owner = owners.get(group);
    if (owner === undefined) return false;
    return owner === '' ? isOld(group) && !new Cgroup(group).populated() : !isAlive(owner);
  });
}

function isOld(group: string): boolean {
  const found = statSync(group, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.ctimeMs > grace;
}

function groupsUnder(parent: string | undefined): string[] {
  if (parent === undefined) return [];
  try {
    const entries = readdirSync(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(parent, name));
  } catch {
    return []; // no container has run here yet
  }
}

/** Longer than any owner's description, and a multiple of 4. */
const ownerLength = 64;

/** The owner of each group that is there; `''` for one that has none. */
export function readOwners(spawner: Spawner, groups: readonly string[]): ReadonlyMap<string, string> {
  const b = new ProgramBuilder();
  const asked = groups.map((group) => {
    // The kernel writes into a block of cells, since cells are what can be read of a program that has run.
    const words = Array.from({ length: ownerLength / 4 }, () => cell('word'));
    const room = data(
      '{owner}',
      words.map((word) => ({ cell: word, width: 4 })),
    );
    const why = `read whose ${group} is`;
    const length = b.result('length', why, 'getxattr', [group, ownerAttribute, room, ownerLength], {
      allow: ['ENODATA', 'ENOENT', 'EOPNOTSUPP', 'ERANGE'],
    });
    return { group, words, length };
  });
  const cells = spawner.run({ ops: b.ops });
  return new Map(
    asked.flatMap(({ group, words, length }): [string, string][] => {
      const found = cells.get(length) ?? -1;
      if (found >= 0) return [[group, textOf(words, cells, found)]];
      return found === -errnos.ENODATA || found === -errnos.EOPNOTSUPP ? [[group, '']] : [];
    }),
  );
}

function textOf(words: readonly Cell[], cells: ReadonlyMap<Cell, number>, length: number): string {
  return Buffer.from(Int32Array.from(words, (word) => cells.get(word) ?? 0).buffer).toString('utf8', 0, length);
}

/** flock(2) on the parent group's directory. */
async function takeLock(spawner: Spawner, parent: string, milliseconds: number): Promise<number | undefined> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const fd = tryLock(spawner, parent);
    if (fd !== undefined || performance.now() >= deadline) return fd;
    await setTimeout(10);
  }
}
