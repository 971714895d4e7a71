/** The later verbs, done by Node where the front end (native/oci.c) leaves them to it: with hooks, or to find the words. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cgroup } from '../cgroup/cgroup.ts';
import { TareError } from '../errors.ts';
import { startedAt } from '../container/owner.ts';
import { ProgramBuilder } from '../launch/program.ts';
import { named } from '../linux/flags.ts';
import type { Context } from './context.ts';
import { runHooks } from './hooks.ts';
import { startProgram } from './programs.ts';
import { type Saved, stateOf, type Status } from './state.ts';

/** How long a process that was sent SIGKILL may take to go, in ms. */
const patience = 10_000;

export async function start(context: Context, saved: Saved): Promise<void> {
  const { store, engine } = context;
  const { id, spec } = saved;
  const status = store.status(saved);
  if (status === 'stopped') throw new TareError(`start container ${id}: cannot start a container that has stopped`);
  if (status !== 'created') throw new TareError(`start container ${id}: cannot start an already running container`);
  const hooks = { engine, hooks: spec.hooks, state: stateOf(saved, 'created') };
  try {
    await runHooks(hooks, 'startContainer', { member: { saved, open: () => openPidfd(context, saved) } });
    process.chdir(store.directory(id));
    engine.spawner.run(startProgram());
    await runHooks({ ...hooks, state: stateOf(saved, 'running') }, 'poststart');
  } catch (error) {
    // runtime.md, "Lifecycle": a hook that fails ends the container, and `poststop` follows.
    if ((spec.hooks?.startContainer ?? []).length + (spec.hooks?.poststart ?? []).length > 0)
      await remove(context, saved);
    throw error;
  }
}

/** A pidfd that is certainly the container's. */
export function openPidfd({ engine }: Context, { id, pid, startTime }: Saved): number {
  const b = new ProgramBuilder();
  const pidfd = b.result('pidfd', `find the first process of container ${id}`, 'pidfd_open', [pid, 0], {
    hints: { ESRCH: 'container not running' },
  });
  const fd = engine.spawner.run({ ops: b.ops }).get(pidfd) ?? -1;
  if (startedAt(String(pid)) === `${pid} ${startTime}`) return fd;
  throw new TareError(`find the first process of container ${id}: container not running`);
}

export function kill(context: Context, saved: Saved, signal: number): void {
  const { id } = saved;
  if (context.store.status(saved) === 'stopped') throw new TareError(`kill container ${id}: container not running`);
  const b = new ProgramBuilder();
  const pidfd = openPidfd(context, saved);
  b.op(`send signal ${signal} to container ${id}`, 'pidfd_send_signal', [pidfd, signal, 0, 0], {
    hints: { ESRCH: 'container not running', EINVAL: 'there is no such signal' },
  });
  context.engine.spawner.run({ ops: b.ops });
}

/** To every process of its group, be it none; also of a container whose first process has ended and left others behind. */
export async function killAll(context: Context, saved: Saved, signal: number): Promise<void> {
  const group = groupOf(saved, 'kill all processes of');
  if (!group.populated()) return;
  if (signal === 9) {
    await group.kill();
    return;
  }
  const b = new ProgramBuilder();
  for (const pid of group.pids())
    b.op(`send signal ${signal} to process ${pid}`, 'kill', [pid, signal], { allow: ['ESRCH'] });
  context.engine.spawner.run({ ops: b.ops });
}

export function groupOf({ id, cgroup, v1 }: Saved, doing: string): Cgroup {
  if (cgroup !== undefined) return new Cgroup(cgroup, v1);
  throw new TareError(`${doing} container ${id}`, { hint: 'it has no cgroup of its own' });
}

export async function pause(context: Context, saved: Saved): Promise<void> {
  expectStatus(context, saved, 'pause', ['running', 'created']);
  await groupOf(saved, 'pause').freeze();
}

export async function resume(context: Context, saved: Saved): Promise<void> {
  expectStatus(context, saved, 'resume', ['paused']);
  await groupOf(saved, 'resume').thaw();
}

export function expectStatus({ store }: Context, saved: Saved, doing: string, wanted: readonly Status[]): void {
  const status = store.status(saved);
  if (wanted.includes(status)) return;
  const why = status === 'stopped' ? 'container not running' : `it is ${status}, not ${wanted.join(' or ')}`;
  throw new TareError(`${doing} container ${saved.id}: ${why}`);
}

/** `delete`: what has not been started may go at once, what runs only by force. */
export async function remove(context: Context, saved: Saved, force = true): Promise<void> {
  const { store, engine } = context;
  const status = store.status(saved);
  if (!force && status !== 'stopped' && status !== 'created')
    throw new TareError(
      `delete container ${saved.id}: cannot delete container ${saved.id} that is not stopped: ${status}`,
      {
        hint: 'kill it first, or delete --force',
      },
    );
  if (status !== 'stopped') await endIt(context, saved);
  await removeGroup(context, saved);
  store.remove(saved.id);
  const hooks = { engine, hooks: saved.spec.hooks, state: stateOf(saved, 'stopped') };
  // "Lifecycle": one that fails is logged, and the others still run.
  for (const hook of saved.spec.hooks?.poststop ?? [])
    await runHooks({ ...hooks, hooks: { poststop: [hook] } }, 'poststop').catch((error: unknown) =>
      context.log.warn((error as Error).message),
    );
}

/**
 * With whoever still lives in it. systemd reads of an end in the group's own files, so that it would keep for ever the unit
 * of a group which is removed before: its own are for it to remove.
 */
export async function removeGroup(
  context: Context,
  { cgroup, v1, unit }: Pick<Saved, 'cgroup' | 'v1' | 'unit'>,
): Promise<void> {
  if (cgroup === undefined) return;
  const group = new Cgroup(cgroup, v1);
  if (unit !== undefined) {
    await group.kill();
    await (await context.cgroupDriver('systemd')).stop?.(unit);
  }
  await group.remove();
}

async function endIt(context: Context, saved: Saved): Promise<void> {
  const b = new ProgramBuilder();
  const pidfd = openPidfd(context, saved);
  const kill = [pidfd, named(9, 'SIGKILL'), 0, 0];
  b.op(`end container ${saved.id}`, 'pidfd_send_signal', kill, { allow: ['ESRCH'] });
  context.engine.spawner.run({ ops: b.ops });
  const deadline = performance.now() + patience;
  while (context.store.status(saved) !== 'stopped') {
    if (performance.now() > deadline)
      throw new TareError(`end container ${saved.id}: it lives on`, { errno: 'ETIMEDOUT' });
    await sleep(2);
  }
}
