/** A container on its way, from what has been decided to the moment when it waits for its start; or back, to nothing. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupDriver, CgroupPlan } from '../cgroup/driver.ts';
import type { Engine } from '../container/engine.ts';
import { openIdMapped } from '../container/id-mapped.ts';
import { writeIdMaps } from '../container/id-maps.ts';
import { sendSeccompListener } from '../container/listener.ts';
import { makeCgroup, type OpenCgroup } from '../container/make-cgroup.ts';
import { NetDevices } from '../container/net-devices.ts';
import { startedAt } from '../container/owner.ts';
import type { Prepared } from '../container/prepared.ts';
import { leaveScope, startScope } from '../container/scope.ts';
import { TareError } from '../errors.ts';
import type { Child } from '../launch/child.ts';
import { type Op, ProgramBuilder } from '../launch/program.ts';
import { AT_FDCWD } from '../linux/flags.ts';
import { handOverTerminal } from './console.ts';
import type { Context } from './context.ts';
import type { CreateRequest } from './create-request.ts';
import { runHooks } from './hooks.ts';
import { removeGroup } from './later.ts';
import { writePidFile } from './pid-file.ts';
import { addressSize, files, openSocket, socketAddress } from './programs.ts';
import { type Saved, stateOf } from './state.ts';

/** A container that has been created, while its maker is still there. */
export interface Created {
  readonly saved: Saved;
  readonly child: Child;
}

interface Surroundings {
  readonly directory: string;
  readonly driver: CgroupDriver;
  /** While the child makes its container there is time to draft what is to be kept of all this: what it gives keeps it. */
  readonly meanwhile: (saved: Saved) => Promise<(() => void) | undefined>;
}

export class Creation {
  readonly #context: Context;
  readonly #engine: Engine;
  readonly #request: CreateRequest;
  readonly #prepared: Prepared;
  readonly #directory: string;
  readonly #driver: CgroupDriver;
  readonly #meanwhile: Surroundings['meanwhile'];
  readonly #devices: NetDevices;

  constructor(
    context: Context,
    request: CreateRequest,
    prepared: Prepared,
    { directory, driver, meanwhile }: Surroundings,
  ) {
    this.#context = context;
    this.#engine = context.engine;
    this.#request = request;
    this.#prepared = prepared;
    this.#directory = directory;
    this.#driver = driver;
    this.#meanwhile = meanwhile;
    this.#devices = new NetDevices(this.#engine);
  }

  async make(): Promise<Created> {
    const { cgroup: plan } = this.#prepared;
    if (plan !== undefined && plan.unit === undefined) removeLeftover(plan);
    const opened: number[] = [];
    let group: OpenCgroup | undefined;
    let child: Child | undefined;
    let waiting: Child | undefined;
    try {
      waiting = plan?.unit === undefined ? undefined : await startScope(this.#engine, this.#driver, plan.unit);
      opened.push(
        ...(await openIdMapped(this.#engine, this.#prepared)),
        bindStartSocket(this.#engine, this.#directory),
      );
      group = plan === undefined ? undefined : makeCgroup(this.#engine, plan);
      opened.push(...(group?.v1 ?? []));
      const ready = this.#spawn(opened, group?.fd);
      child = ready.child;
      const [keep] = await Promise.all([this.#meanwhile(this.#saved(child)), ready.done]);
      const saved = this.#saved(child);
      this.#context.store.save(saved, this.#engine.host.arch);
      if (this.#request.pidFile !== undefined) writePidFile(this.#request.pidFile, child.pid);
      keep?.();
      return { saved, child };
    } catch (error) {
      const failure = await this.#undo(child, group);
      throw failure ?? error;
    } finally {
      this.#devices.release();
      for (const fd of opened) closeSync(fd);
      if (group !== undefined) closeSync(group.fd);
      if (waiting !== undefined) await leaveScope(waiting);
    }
  }

  /** Settles when the container waits for its start. */
  #spawn(inner: readonly number[], cgroup: number | undefined): { child: Child; done: Promise<void> } {
    const { spawner, host } = this.#engine;
    const { launch } = this.#prepared;
    let [resolveReady, rejectReady] = [() => {}, (_: unknown) => {}];
    const ready = new Promise<void>((accept, reject) => ([resolveReady, rejectReady] = [accept, reject]));
    const fds = Array.from({ length: 3 + this.#request.preserveFds }, (_, fd) => fd);
    // What it has said before comes first: a failure of ours is not to be overtaken by news that all is ready.
    let heard = Promise.resolve();
    let told = false;
    spawner.listen();
    const child = spawner.spawn({
      program: launch.program,
      cloneFlags: launch.cloneFlags,
      newUser: launch.newUser,
      // Whom we stay with we also collect: a pid namespace ends only when all in it have been.
      unreaped: this.#request.onTerminal === undefined,
      fds,
      inner,
      lastCapability: host.lastCapability,
      ...(cgroup === undefined ? {} : { cgroup }),
      onStop: (op, stopped, fd) => {
        told ||= op.stop === 'start';
        heard = heard.then(() => (op.stop === 'start' ? resolveReady() : this.#stopped(op, stopped, fd)));
        heard.catch(rejectReady);
      },
    });
    // Who is ready lets go of us, which looks like an end.
    const died = child.executed.then(
      () => (told ? ready : Promise.reject(new TareError('start the container: it has ended'))),
      (error: unknown) => (told ? ready : Promise.reject(error as Error)),
    );
    return { child, done: Promise.race([ready, died]) };
  }

  async #stopped(op: Op, child: Child, fd: number | undefined): Promise<void> {
    const { id, spec, image } = this.#prepared;
    switch (op.stop) {
      case 'maps':
        await writeIdMaps(this.#engine, child.pid, spec.linux ?? {});
        child.go();
        return;
      case 'devices':
        await this.#devices.move(child.pid, this.#prepared.netDevices);
        child.go();
        return;
      case 'hooks':
        await this.#runHooks(child);
        child.go();
        return;
      case 'terminal':
        if (fd === undefined) return;
        if (this.#request.consoleSocket === undefined) this.#request.onTerminal?.(fd);
        else handOverTerminal(this.#engine, this.#request.consoleSocket, fd);
        return;
      case 'seccomp':
        sendSeccompListener(this.#engine, { id, spec, pid: child.pid, bundle: image.bundle ?? '' }, fd ?? -1);
        return;
      case 'start':
      case 'step':
      case 'pidfd':
      case undefined:
    }
  }

  async #runHooks(child: Child): Promise<void> {
    const { spec } = this.#prepared;
    const state = stateOf(this.#saved(child), 'creating');
    const context = { engine: this.#engine, hooks: spec.hooks, state };
    // As runc has it, and as hooks rely on: on the host they stand in the bundle, in the container in what will be its root.
    await runHooks(context, 'prestart', { directory: state.bundle });
    await runHooks(context, 'createRuntime', { directory: state.bundle });
    await runHooks(context, 'createContainer', { directory: state.rootfs, inside: { spec, pidfd: child.pidfd } });
  }

  #saved(child: Child): Saved {
    const { id, spec, image, cgroup } = this.#prepared;
    const root = image.root.kind === 'directory' ? image.root.path : '';
    return {
      id,
      pid: child.pid,
      startTime: startedAt(String(child.pid))?.split(' ')[1] ?? '0',
      bundle: resolve(this.#request.bundle),
      rootfs: root,
      created: new Date().toISOString(),
      owner: userName(),
      ...(cgroup === undefined ? {} : { cgroup: cgroup.path }),
      ...this.#v1(),
      ...this.#unit(),
      sharesKeyring: this.#request.noNewKeyring,
      spec,
    };
  }

  #v1(): Pick<Saved, 'v1'> {
    const groups = this.#prepared.cgroup?.v1 ?? [];
    return groups.length === 0 ? {} : { v1: groups.map(({ controllers, path }) => ({ controllers, path })) };
  }

  #unit(): Pick<Saved, 'unit'> {
    const { unit } = this.#prepared.cgroup ?? {};
    return unit === undefined ? {} : { unit: unit.name };
  }

  /** @returns what the child has said of its own failure, which says more than what we then saw */
  async #undo(child: Child | undefined, group: OpenCgroup | undefined): Promise<Error | undefined> {
    if (child !== undefined) {
      this.#engine.spawner.kill(child, 'SIGKILL');
      await child.exited;
      await this.#devices.takeBack().catch((error: unknown) => this.#context.log.warn((error as Error).message));
      const { hooks } = this.#prepared.spec;
      const state = stateOf(this.#saved(child), 'stopped');
      await runHooks({ engine: this.#engine, hooks, state }, 'poststop').catch((error: unknown) =>
        this.#context.log.warn((error as Error).message),
      );
    }
    if (group !== undefined)
      await removeGroup(this.#context, { cgroup: group.cgroup.path, ...this.#v1(), ...this.#unit() });
    return child?.report;
  }
}

/** What a create that was killed has left: empty, or somebody lives in it, and then the group is not ours to take. */
function removeLeftover({ path: group, v1 }: CgroupPlan): void {
  const found = [group, ...v1.map(({ path }) => path)].filter((path) => existsSync(path));
  if (found.length === 0) return;
  for (const path of found) {
    const pids = new Cgroup(path).pids();
    if (pids.length > 0)
      throw new TareError(`make the cgroup ${path}: container's cgroup is not empty: ${pids.slice(0, 10).join(', ')}`, {
        errno: 'EBUSY',
        hint: 'name another in linux.cgroupsPath, or end them',
      });
  }
  new Cgroup(group, v1).removeNow();
}

/** A datagram to this socket starts the container. By way of the directory's fd: a socket's path has 107 bytes at most. */
function bindStartSocket({ spawner }: Engine, directory: string): number {
  const b = new ProgramBuilder();
  const fd = openSync(directory, 'r');
  try {
    const path = `/proc/self/fd/${fd}/${files.start}`;
    const socket = openSocket(b);
    b.op('make the socket that the container waits on', 'bind', [socket, socketAddress(path), addressSize(path)]);
    b.op('keep others from it', 'fchmodat', [AT_FDCWD, path, 0o600]);
    return spawner.run({ ops: b.ops }, [socket]).get(socket) ?? -1;
  } finally {
    closeSync(fd);
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // an id without a line in passwd
  }
}
