/** Takes away all that a lab has made on this host, whoever made it and however it ended. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMountinfo, readNamespaces, readStatus } from '../index.ts';
import { startTime } from './alive.ts';
import { type Place, removePlace } from './place.ts';
import { ask } from './system.ts';
import { type HostReference, type Process, World } from './world.ts';

export interface Traces {
  readonly place: Place;
  readonly host: HostReference;
  /** Host names that only this lab gives. */
  readonly hostnames: readonly string[];
  /** Processes that stay: the shell of an open session. */
  readonly spare: readonly number[];
}

export interface Removal {
  /** A line for each thing that is gone. */
  readonly removed: readonly string[];
  /** A line for each thing that could not be taken away. */
  readonly left: readonly string[];
}

/** How long killed processes may take to go, in ms. */
const patience = 10_000;

export async function removeTraces(traces: Traces): Promise<Removal> {
  const removed: string[] = [];
  const left: string[] = [];
  const note = (what: string, gone: boolean) => (gone ? removed : left).push(what);
  await endProcesses(traces, note);
  for (const group of groupsOf(traces.place)) await removeGroup(group, note);
  removeNetworks(traces.place, note);
  unmountAll(traces.place, note);
  detachLoops(traces.place, note);
  if (existsSync(traces.place.dir) && mountsUnder(traces.place.dir).length === 0) {
    removePlace(traces.place);
    note(`the directory ${traces.place.dir}`, true);
  }
  restoreHostname(traces, note);
  return { removed, left };
}

type Note = (what: string, gone: boolean) => void;

/** Until none is found: one that forks may have been faster. */
async function endProcesses(traces: Traces, note: Note): Promise<void> {
  const spared = new Set([...traces.spare, ...ancestors()]);
  const said = new Set<number>();
  let deadline: number | undefined;
  for (;;) {
    const found = (await ownedProcesses(traces)).filter(({ pid }) => !spared.has(pid));
    if (found.length === 0) return;
    for (const one of found) {
      if (!said.has(one.pid)) note(one.label, true);
      said.add(one.pid);
      end(one.pid);
    }
    // From the first kill on: on a busy machine, looking alone takes seconds.
    deadline ??= Date.now() + patience;
    if (Date.now() > deadline) {
      for (const { pid } of found) note(`process ${pid}, which does not end`, false);
      return;
    }
    await sleep(5);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster, or is another user's: then it is found again.
  }
}

async function ownedProcesses({ place, hostnames, host }: Traces): Promise<readonly Process[]> {
  const world = new World(host);
  const own = readNamespaces();
  const isOurs = async (one: Process): Promise<boolean> => {
    if (attempt(() => one.environment.includes(place.marker))) return true;
    if (attempt(() => isUnder(place.dir, one.rootPath))) return true;
    if (attempt(() => place.cgroup !== undefined && isInGroup(place.cgroup, one))) return true;
    const elsewhere = attempt(() => one.namespaces.mnt !== own.mnt);
    if (elsewhere && attempt(() => one.mounts.some(({ mountPoint }) => isUnder(place.dir, mountPoint)))) return true;
    if (attempt(() => one.namespaces.uts === host.namespaces.uts)) return false;
    return hostnames.includes((await world.hostnameOf(one)) ?? '');
  };
  const found: Process[] = [];
  for (const one of world.processes()) {
    const birth = startTime(one.pid);
    if ((await isOurs(one)) && birth !== undefined && startTime(one.pid) === birth) found.push(one);
  }
  return found;
}

const isUnder = (directory: string, path: string): boolean => path === directory || path.startsWith(`${directory}/`);

const isInGroup = (group: string, { cgroups }: Process): boolean =>
  cgroups.some((path) => path.split('/').includes(basename(group)));

function attempt(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

/** This process, and the shells that it was started from. */
function ancestors(): readonly number[] {
  const list: number[] = [];
  for (let pid = process.pid; pid > 0; pid = readStatus(pid).parentPid) list.push(pid);
  return list;
}

/** Of this name in every hierarchy: where a host still has those of cgroup v1, runc and docker make one in each. */
function groupsOf({ cgroup }: Place): readonly string[] {
  if (cgroup === undefined) return [];
  const roots = readMountinfo().filter(({ type, mountPoint }) => type === 'cgroup' && isUnder('/sys/fs', mountPoint));
  const all = [cgroup, ...roots.map(({ mountPoint }) => join(mountPoint, basename(cgroup)))];
  return all.filter((path) => existsSync(path));
}

async function removeGroup(group: string, note: Note): Promise<void> {
  const deadline = Date.now() + patience;
  try {
    writeFileSync(join(group, 'cgroup.freeze'), '0');
    writeFileSync(join(group, 'cgroup.kill'), '1');
  } catch {
    // Linux 5.14, and not in cgroup v1; the processes have been ended one by one.
  }
  for (;;) {
    try {
      removeTree(group);
      return note(`the cgroup ${group}`, true);
    } catch (error) {
      if (Date.now() > deadline)
        return note(`the cgroup ${group}: ${(error as NodeJS.ErrnoException).code ?? ''}`, false);
    }
    await sleep(5);
  }
}

function removeTree(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(group, entry.name));
  rmdirSync(group);
}

function removeNetworks({ net }: Place, note: Note): void {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(net)) : [];
  for (const name of names) note(`the network namespace ${name}`, ask('ip', ['netns', 'delete', name]) !== undefined);
  for (const name of readdirSync('/sys/class/net').filter((one) => one.startsWith(net))) {
    if (!existsSync(join('/sys/class/net', name))) continue; // the other end has taken it along
    note(`the network device ${name}`, ask('ip', ['link', 'delete', name]) !== undefined);
  }
  const tables = ask('nft', ['list', 'tables'])?.split('\n') ?? [];
  for (const [, family = '', name = ''] of tables.map((line) => line.split(' '))) {
    if (!name.startsWith(net)) continue;
    note(`the nftables table ${name}`, ask('nft', ['delete', 'table', family, name]) !== undefined);
  }
}

const mountsUnder = (directory: string): readonly string[] =>
  readMountinfo()
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => isUnder(directory, path));

function unmountAll({ dir }: Place, note: Note): void {
  for (const path of mountsUnder(dir).toReversed())
    note(`the mount at ${path}`, ask('umount', ['--lazy', path]) !== undefined);
}

/** Loop devices whose file lies in the lab's directory. */
function detachLoops({ dir }: Place, note: Note): void {
  for (const [name, file] of loopDevices())
    if (isUnder(dir, file)) note(`the loop device ${name}`, ask('losetup', ['--detach', `/dev/${name}`]) !== undefined);
}

function loopDevices(): readonly (readonly [name: string, file: string])[] {
  if (!existsSync('/sys/block')) return [];
  return readdirSync('/sys/block').flatMap((name) => {
    const path = `/sys/block/${name}/loop/backing_file`;
    return existsSync(path) ? [[name, readFileSync(path, 'utf8').trim()] as const] : [];
  });
}

/** A student who names the host itself has made a mistake that outlives the lab. */
function restoreHostname({ host, hostnames }: Traces, note: Note): void {
  const ours = readNamespaces().uts === host.namespaces.uts;
  if (!ours || !hostnames.includes(hostname()) || hostname() === host.hostname) return;
  try {
    writeFileSync('/proc/sys/kernel/hostname', host.hostname);
  } catch {
    // Said by what is read back.
  }
  const now = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
  note(`the host name: it is ${now} again`, now === host.hostname);
}
