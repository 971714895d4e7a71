/** What a process is spawned with that is to live in a container: in its namespaces and groups, as confined as its own. */
import { closeSync, openSync } from 'node:fs';
import type { Engine } from '../container/engine.ts';
import { prepareExec } from '../container/prepare.ts';
import { TareError } from '../errors.ts';
import type { Program } from '../launch/program.ts';
import type { Spec } from '../spec/spec.ts';
import type { Saved } from './state.ts';

/** Disposed of, it closes its files: what has been spawned has its own. */
export interface Joining extends Disposable {
  readonly program: Program;
  readonly inner: readonly number[];
  /** The open group of v2 to be born in. */
  readonly cgroup: number | undefined;
}

export interface JoinOptions {
  /** Of the container's first process; it is closed with the rest. */
  readonly pidfd: number;
  readonly payloadFds: number;
  /** The new process's file, if that is not its first word. */
  readonly command?: string;
}

/** @param spec the container's, with the new process */
export function join(
  engine: Engine,
  { sharesKeyring, v1 = [], cgroup }: Saved,
  spec: Spec,
  { pidfd, payloadFds, command }: JoinOptions,
): Joining {
  const named = command === undefined ? {} : { command };
  const opened = [pidfd];
  const close = (): void => {
    for (const fd of opened) closeSync(fd);
  };
  try {
    const program = prepareExec(engine, spec, { payloadFds, sharesKeyring, v1, ...named });
    for (const { path } of v1) opened.push(openGroup(`${path}/cgroup.procs`, 'r+'));
    const inner = [...opened];
    const group = cgroup === undefined ? undefined : openGroup(cgroup);
    if (group !== undefined) opened.push(group);
    return { program, inner, cgroup: group, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function openGroup(path: string, mode: 'r' | 'r+' = 'r'): number {
  try {
    return openSync(path, mode);
  } catch (cause) {
    throw new TareError(`open the cgroup ${path}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
}
