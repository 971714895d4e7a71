/** Makes the cgroup of a container as its plan says, and opens it for a child to be born in. */
import { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupPlan } from '../cgroup/driver.ts';
import type { TareError } from '../errors.ts';
import { compileCgroup } from '../launch/cgroup.ts';
import { closeOpened } from '../launch/spawn.ts';
import type { Engine } from './engine.ts';

export interface OpenCgroup {
  readonly cgroup: Cgroup;
  /** Its directory, the caller's to close. */
  readonly fd: number;
  /** Through these the child moves to its groups of cgroup v1: inner fds of its program, the caller's to close. */
  readonly v1: readonly number[];
}

/** Leaves nothing behind where it fails, but for a group that was there before (EEXIST). */
export function makeCgroup(engine: Engine, plan: CgroupPlan): OpenCgroup {
  const key = plan.devices === undefined ? '' : Buffer.from(plan.devices.program).toString('latin1');
  const known = engine.deviceJudges.get(key);
  const { program, cgroup, judge, v1, files } = compileCgroup(plan, {
    owner: engine.owner,
    ...(known === undefined ? {} : { judge: known }),
  });
  const made = new Cgroup(plan.path, plan.v1);
  const opened = [cgroup, ...v1, ...files, ...(judge === undefined ? [] : [judge])];
  try {
    const cells = engine.spawner.run(program, opened);
    if (judge !== undefined) engine.deviceJudges.set(key, cells.get(judge) ?? -1);
    for (const file of files) closeOpened(cells.get(file));
    return { cgroup: made, fd: cells.get(cgroup) ?? -1, v1: v1.map((file) => cells.get(file) ?? -1) };
  } catch (error) {
    if ((error as TareError).errno !== 'EEXIST') made.removeNow();
    throw error;
  }
}
