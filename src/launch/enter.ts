/** Programs of processes that join a container which is there already: `exec`, and hooks in its namespaces. Pure. */
import { AT_FDCWD, CLONE, flags, O, PR, RESOLVE } from '../linux/flags.ts';
import { namespaceOf } from '../spec/checks/check.ts';
import type { Hook, Spec } from '../spec/spec.ts';
import { innerFd, syncFd } from './bootstrap.ts';
import { execute, resetSignals } from './execute.ts';
import type { Facts } from './facts.ts';
import * as identity from './identity.ts';
import { joinV1Groups } from './join-cgroups.ts';
import { cloneFlag } from './namespaces.ts';
import { closeOnExec, forkIntoNamespaces } from './parent.ts';
import { cell, data, type Program, ProgramBuilder, strings } from './program.ts';
import { setAffinity, setPriorities } from './scheduling.ts';
import { inRootArgs, retry, type Stage } from './stage.ts';
import { controlTerminal, openLaterTerminal, startSession } from './terminal.ts';

/**
 * Another process of a container: its first inner fd is the pidfd of the first one. `spec.process` is the new one.
 *
 * @param command its file, if that is not its first word
 */
export function compileExec(spec: Spec, facts: Facts, command?: string): Program {
  const b = new ProgramBuilder();
  const sync = cell('sync', syncFd(facts.payloadFds));
  const successor = cell('successor');
  const stage: Stage = { b, spec, facts, sync };

  b.stage('guard');
  closeOnExec(stage);
  b.stage('cgroups');
  joinV1Groups(stage);
  b.stage('namespaces');
  setAffinity(stage, 'initial');
  setPriorities(stage);
  identity.setLabels(stage, undefined);
  const forks = enter(stage, successor);
  if (namespaceOf(spec, 'user') !== undefined) identity.becomeRoot(stage);

  b.stage('session');
  const root = b.result('root', 'open the root', 'openat', [
    AT_FDCWD,
    '/',
    flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'),
    0,
  ]);
  const slave = spec.process.terminal === true ? openLaterTerminal({ ...stage, root }) : undefined;
  startSession(stage);
  if (slave !== undefined) controlTerminal(stage, slave);
  const { cwd } = spec.process;
  const how = [flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC'), flags(RESOLVE, 'IN_ROOT', 'NO_MAGICLINKS')] as const;
  const directory = b.result('cwd', `open the working directory ${cwd}`, 'openat2', inRootArgs(root, cwd, ...how), {
    retry,
    hints: { ENOENT: 'the container has no such directory', ELOOP: 'it leads through a link of /proc' },
  });
  b.op(`stand in ${cwd}`, 'fchdir', [directory], { hints: { EACCES: 'the directory may not be entered' } });

  setAffinity(stage, 'final');
  identity.takeIdentity(stage);
  b.stage('start');
  resetSignals(stage);
  identity.loadLateSeccomp(stage);
  execute(stage, command);
  return { ops: b.ops, report: sync, ...(forks ? { successor } : {}) };
}

/**
 * A hook, on the host or, with a container's first process as the first inner fd, in that container's namespaces. One whose
 * `env` is not given has what its runtime has inherited, as with runc and crun; an empty `env` is empty.
 *
 * @param directory where it stands, as its namespaces see it
 */
export function compileHook(
  hook: Hook,
  facts: Pick<Facts, 'payloadFds' | 'ignoredSignals'> & { readonly inherited: readonly string[] },
  { container, directory }: { readonly container?: Spec; readonly directory?: string } = {},
): Program {
  const b = new ProgramBuilder().stage('hook');
  const sync = cell('sync', syncFd(facts.payloadFds));
  const successor = cell('successor');
  closeOnExec({ b, facts });
  const forks = container !== undefined && enter({ b, sync, facts, spec: container }, successor);
  if (directory !== undefined) b.op(`stand in ${directory}`, 'chdir', [directory]);
  resetSignals({ b, facts });
  const { path, args = [path], env = facts.inherited } = hook;
  const environment = env.length === 0 ? data('{}', [{ address: null }]) : strings(env);
  b.op(`execute ${path}`, 'execve', [path, strings(args), environment]);
  return { ops: b.ops, report: sync, ...(forks ? { successor } : {}) };
}

type Entering = Pick<Stage, 'b' | 'sync' | 'spec'> & { readonly facts: Pick<Facts, 'payloadFds'> };

/**
 * All namespaces at once, so that there is no moment in only some of them; of a pid namespace the next process is. Those who
 * are in it may be powerful there: they can neither trace us nor look at our files (CVE-2016-9962).
 *
 * @returns whether another process goes on
 */
function enter({ b, sync, spec, facts }: Entering, successor: Parameters<typeof forkIntoNamespaces>[1]): boolean {
  const kinds = (spec.linux?.namespaces ?? []).map(({ type }) => type);
  if (kinds.length === 0) return false;
  b.op('be closed to those who are there', 'prctl', [flags(PR, 'SET_DUMPABLE'), 0, 0, 0, 0]);
  const init = cell('container', innerFd(facts.payloadFds, 0));
  b.op('join the container', 'setns', [init, flags(CLONE, ...kinds.map((kind) => cloneFlag[kind]))], {
    hints: { ESRCH: 'its first process has ended' },
  });
  if (!kinds.includes('pid')) return false;
  forkIntoNamespaces({ b, sync, facts: { dieWithParent: false } }, successor);
  return true;
}
