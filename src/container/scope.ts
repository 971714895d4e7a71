/** systemd starts no scope without a process in it: one of ours waits there until the container is born in its group. */
import type { CgroupDriver } from '../cgroup/driver.ts';
import type { ScopeUnit } from '../cgroup/systemd-unit.ts';
import { syncFd } from '../launch/bootstrap.ts';
import type { Child } from '../launch/child.ts';
import { cell, data, type Program, ProgramBuilder } from '../launch/program.ts';
import { flags, named, PR } from '../linux/flags.ts';
import type { Engine } from './engine.ts';

/** @returns who waits in it, for `leaveScope` */
export async function startScope({ spawner, nullFd }: Engine, driver: CgroupDriver, unit: ScopeUnit): Promise<Child> {
  spawner.listen();
  const fds = [nullFd, nullFd, nullFd];
  const waits = waitProgram();
  const child = spawner.spawn({ program: waits, cloneFlags: named(0, '0'), fds, newUser: false, lastCapability: 0 });
  try {
    await driver.start?.(unit, child.pid);
    return child;
  } catch (error) {
    await leaveScope(child);
    throw error;
  }
}

export async function leaveScope(child: Child): Promise<void> {
  child.go();
  await child.exited;
}

/** It leaves too when nobody is there any more who could tell it to. */
function waitProgram(): Program {
  const b = new ProgramBuilder().stage('scope');
  b.op('have a name that ps(1) shows', 'prctl', [flags(PR, 'SET_NAME'), 'tare-scope', 0, 0, 0]);
  b.op('wait in the scope until the container is born', 'read', [
    cell('sync', syncFd(3)),
    data('{byte}', [{ u64: 0 }]),
    1,
  ]);
  b.op('leave it', 'exit_group', [0]);
  return { ops: b.ops };
}
