/**
 * A spec and the facts → the program that makes the container. Pure.
 *
 * Read `compile` from top to bottom: it is what a container is.
 */
import { TareError } from '../errors.ts';
import { AT_FDCWD, flags, type Named, O, PR, RESOLVE } from '../linux/flags.ts';
import type { Spec } from '../spec/spec.ts';
import { innerFd, syncFd } from './bootstrap.ts';
import { makeDevices } from './devices.ts';
import { execute, lookForCommand, resetSignals } from './execute.ts';
import type { Facts } from './facts.ts';
import * as identity from './identity.ts';
import { joinV1Groups } from './join-cgroups.ts';
import { maskPaths, sealPaths } from './masks.ts';
import { type Mounted, mountAll, sealMounts, takeShared } from './mounts.ts';
import * as namespaces from './namespaces.ts';
import {
  closeOnExec,
  dieWithParent,
  forkFromInit,
  forkIntoNamespaces,
  keepStartSocket,
  stopAndWait,
  stopUntilTold,
} from './parent.ts';
import { type Cell, cell, type Program, ProgramBuilder } from './program.ts';
import { buildRoot, changeRoot, detachPropagation, pivotRoot, sealRoot } from './rootfs.ts';
import { isNew, namespaceOf } from '../spec/checks/check.ts';
import { inRootArgs, makeDirectories, retry, type RootedStage, type Stage, writeFile } from './stage.ts';
import { setPriorities } from './scheduling.ts';
import { controlTerminal, openTerminal, startSession } from './terminal.ts';

export interface Launch {
  /** What `clone3` is asked for beyond a process: what can only be born. */
  readonly cloneFlags: Named;
  /** The child is born in a user namespace of its own. */
  readonly newUser: boolean;
  /** The child waits for the id maps of a user namespace, whether born in it or not. */
  readonly maps: boolean;
  /** Another process takes the child's place on the way. */
  readonly forks: boolean;
  readonly program: Program;
}

export function compile(spec: Spec, facts: Facts): Launch {
  const b = new ProgramBuilder();
  const sync = cell('sync', syncFd(facts.payloadFds));
  const child = cell('payload');
  const successor = cell('successor');
  const stage: Stage = { b, spec, facts, sync };
  const born = namespaces.bornWith(spec);

  b.stage('guard');
  closeOnExec(stage);
  dieWithParent(stage);
  b.stage('cgroups');
  joinV1Groups(stage);

  b.stage('namespaces');
  if (born.newUser) awaitMaps(stage);
  setPriorities(stage);
  namespaces.joinNamespaces(stage);
  if (born.makesUser) {
    namespaces.makeUserNamespace(stage);
    awaitMaps(stage);
  }
  if (namespaceOf(spec, 'user')?.path !== undefined) becomeRootOfNamespace(stage);
  if (born.forks) {
    namespaces.makePidNamespace(stage);
    forkIntoNamespaces(stage, successor);
  }
  namespaces.makeNamespaces(stage);
  namespaces.raiseLoopback(stage);
  awaitNetDevices(stage);
  namespaces.nameHost(stage);

  const slave = namespaceOf(spec, 'mount')?.path === undefined ? buildView(stage) : enterView(stage);

  b.stage('session');
  startSession(stage);
  if (slave !== undefined) controlTerminal(stage, slave);

  if (facts.startSocket !== undefined) keepStartSocket(stage, facts.startSocket, innerFd(facts.payloadFds, 0));
  identity.takeIdentity(stage);
  dieWithParent(stage);

  b.stage('start');
  // Whoever takes the listener, or hears that there is no such command, is gone when the start comes.
  const filtersEarly = facts.startSocket !== undefined && facts.seccomp?.notify === true;
  if (filtersEarly) identity.loadLateSeccomp(stage);
  if (facts.startSocket !== undefined) {
    lookForCommand(stage);
    stopUntilTold(stage, 'report that all is ready');
  } else {
    if (facts.waitForStart) stopAndWait(stage, 'start', 'report that all is ready');
    if (facts.init) forkFromInit(stage, child);
  }
  resetSignals(stage);
  if (!filtersEarly) identity.loadLateSeccomp(stage);
  execute(stage);

  const program: Program = {
    ops: b.ops,
    report: sync,
    ...(facts.init ? { child } : {}),
    ...(born.forks ? { successor } : {}),
  };
  const maps = born.newUser || born.makesUser;
  return { cloneFlags: born.flags, newUser: born.newUser, maps, forks: born.forks, program };
}

function awaitMaps(stage: Stage): void {
  stopAndWait(stage, 'maps', 'ask the parent for id maps');
  becomeRootOfNamespace(stage);
}

/** Nobody else is in the namespace yet who could profit from the last step. */
function becomeRootOfNamespace(stage: Stage): void {
  identity.becomeRoot(stage);
  // The change of ids has made /proc/self root's on the host.
  stage.b.op('own our files in /proc again', 'prctl', [flags(PR, 'SET_DUMPABLE'), 1, 0, 0, 0]);
}

/** All that the container will see. Returns the terminal, if it has one. */
function buildView(stage: Stage): Cell | undefined {
  const { b, spec } = stage;
  const own = isNew(spec, 'mount');
  if (!own && ((spec.mounts ?? []).length > 0 || stage.facts.root.kind === 'overlay'))
    throw new TareError("build a root with mounts in the host's mount namespace", {
      hint: 'ask for a mount namespace, or for a plain directory without mounts',
    });

  b.stage('root');
  b.op('give files exactly the modes we name', 'umask', [0]);
  const shared = own ? takeShared(stage) : new Map<string, Cell>();
  if (own) detachPropagation(stage);
  const rooted: RootedStage = { ...stage, shared, root: own ? buildRoot(stage) : openPlainRoot(stage) };

  b.stage('mounts');
  const mounted: Mounted = own ? mountAll(rooted) : {};
  if (own) {
    b.stage('devices');
    makeDevices(rooted);
  }
  const slave = spec.process.terminal === true ? openTerminal(rooted, mounted.devpts) : undefined;
  writeSysctls(rooted, mounted.proc);
  identity.setLabels(stage, mounted.proc);

  if (own) {
    b.stage('seal');
    sealMounts(stage, mounted);
    maskPaths(rooted);
    sealPaths(rooted);
  }

  stopForHooks(stage);
  b.stage('pivot');
  const cwd = openWorkingDirectory(rooted);
  if (own) sealRoot(rooted);
  if (own) pivotRoot(rooted);
  else changeRoot(rooted);
  b.op(`stand in ${spec.process.cwd}`, 'fchdir', [cwd], { hints: { EACCES: 'the directory may not be entered' } });
  return slave;
}

/** In somebody else's mount namespace the root and the mounts are theirs. */
function enterView(stage: Stage): undefined {
  const { b, spec } = stage;
  if (spec.process.terminal === true)
    throw new TareError("open a terminal in somebody else's mount namespace", { hint: 'leave the terminal out' });
  identity.setLabels(stage, undefined);
  stopForHooks(stage);
  b.op(`stand in ${spec.process.cwd}`, 'chdir', [spec.process.cwd]);
}

/** config-linux.md, "Network Devices": only the host's side has power over both namespaces (launch/net-devices.ts). */
function awaitNetDevices(stage: Stage): void {
  if (Object.keys(stage.spec.linux?.netDevices ?? {}).length > 0)
    stopAndWait(stage, 'devices', 'have network devices moved to this network');
}

/** "POSIX-platform Hooks": after the mounts, before pivot_root, with the host's files still in sight. */
function stopForHooks(stage: Stage): void {
  if (stage.facts.stopForHooks !== true) return;
  stage.b.stage('hooks');
  stopAndWait(stage, 'hooks', 'let the hooks run');
}

function openPlainRoot({ b, facts }: Stage): Cell {
  const path = facts.root.kind === 'directory' ? facts.root.path : '/';
  return b.result('root', 'open the root', 'openat', [AT_FDCWD, path, flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'), 0]);
}

/** Through the mount we have just made: no file of the image can be in its place (CVE-2025-52881). */
function writeSysctls({ b, spec }: Stage, proc: Cell | undefined): void {
  for (const [name, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    if (proc === undefined)
      throw new TareError(`set ${name}`, { hint: 'the spec has no proc mount to set it through' });
    const path = name.includes('/') ? name : name.replaceAll('.', '/');
    writeFile(b, `set ${name} to ${value}`, proc, `sys/${path}`, value, {
      ENOENT: 'this kernel has no such setting',
      EINVAL: 'the kernel does not take this value',
      EACCES: 'not allowed in this user namespace',
    });
  }
}

/** Opened before the root is changed and below it, never through a magic link: an fd of the host's could be behind it (CVE-2024-21626). */
function openWorkingDirectory(stage: RootedStage): Cell {
  const { cwd } = stage.spec.process;
  if (cwd !== '/') makeDirectories(stage, cwd);
  const args = inRootArgs(
    stage.root,
    cwd,
    flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'),
    flags(RESOLVE, 'IN_ROOT', 'NO_MAGICLINKS'),
  );
  return stage.b.result('cwd', `open the working directory ${cwd}`, 'openat2', args, { retry });
}
