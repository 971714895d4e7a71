/**
 * What tests of leftovers look at: all that a container could leave on the host, before and after.
 *
 * Of groups, those of other processes that still live are left out, so that several can test on one machine.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v1Groups } from '../../src/cgroup/hierarchy.ts';
import type { Engine } from '../../src/container/engine.ts';
import { isAlive } from '../../src/container/owner.ts';
import { run } from '../../src/container/run.ts';
import { readOwners } from '../../src/container/sweep.ts';

/** By kind, a line for each thing there is. */
export type HostState = Readonly<Record<string, readonly string[]>>;

/** Opens what stays open for the next container, the watchdog among it: none's leftover. */
export async function warmUp(engine: Engine): Promise<void> {
  await run(engine, { image: 'busybox', args: ['true'], stdio: 'ignore' });
  engine.leftovers.watch();
  while (!children().some((child) => nameOf(child) === 'tare-watchdog')) await sleep(5);
}

export function observeHost(engine: Engine): HostState {
  return {
    mount: readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n'),
    cgroup: cgroups(engine),
    process: children().map((pid) => `${pid} ${command(pid)}`),
    'file descriptor': fds(),
    'network namespace': entries('/run/netns'),
    file: below(join(engine.scratch, '..')),
  };
}

/** What is there that was not, and the other way round: `+ mount …`, `- cgroup …`. */
export function changes(before: HostState, after: HostState): string[] {
  return Object.keys(before).flatMap((kind) => {
    const [was, is] = [before[kind] ?? [], after[kind] ?? []];
    return [...without(was, is).map((one) => `- ${kind} ${one}`), ...without(is, was).map((one) => `+ ${kind} ${one}`)];
  });
}

/** Each line as often as the one has it more than the other. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return lines.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function cgroups({ cgroups: host, owner, spawner }: Engine): string[] {
  const { parent } = host;
  if (parent === undefined) return [];
  const groups = entries(parent, { directories: true }).map((name) => join(parent, name));
  const owners = readOwners(spawner, groups);
  const isOthers = (group: string): boolean => {
    const found = owners.get(group);
    return found !== undefined && found !== owner && isAlive(found);
  };
  // Those of v1 have the name of one of v2.
  const beside = v1Groups(host, parent).flatMap(({ path }) =>
    entries(path, { directories: true })
      .filter((name) => !isOthers(join(parent, name)))
      .map((name) => join(path, name)),
  );
  return [...groups.filter((group) => owners.has(group) && !isOthers(group)), ...beside];
}

/** Of all threads of this process; zombies are among them. */
function children(): string[] {
  return entries('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
}

export function command(pid: string): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return words === '' ? `[${nameOf(pid)}]` : words;
  } catch {
    return '(gone)';
  }
}

/** As ps(1) shows it: at most 15 characters. */
export function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** What each leads to, less the one that reads the directory. */
function fds(): string[] {
  return entries('/proc/self/fd').flatMap((fd) => {
    try {
      return [kindOf(readlinkSync(`/proc/self/fd/${fd}`))];
    } catch {
      return [];
    }
  });
}

/** Sockets and pipes have numbers that come and go with every process. */
const kindOf = (link: string): string => link.replace(/^(socket|pipe):\[\d+\]$/, '$1');

/** But for what is kept on purpose: the records of launches, a cache. */
function below(directory: string): string[] {
  const kept = ['starts', ...entries(join(directory, 'starts'))];
  return entries(directory, { recursive: true }).filter((name) => !kept.includes(name));
}

function entries(directory: string, { directories = false, recursive = false } = {}): string[] {
  try {
    const found = readdirSync(directory, { withFileTypes: true, recursive });
    return found.filter((entry) => !directories || entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}
