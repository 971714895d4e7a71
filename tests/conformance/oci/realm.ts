/**
 * Where an engine may do as it likes: pid, mount, network, IPC and cgroup namespaces of its own, in which the host's
 * places for state are empty and what is written to /etc is written elsewhere. Its first process reaps, and dies with us; with it all that was made in there.
 *
 *     vitest ── sh ─┬─ pid 1: sh ─┬─ dockerd … or nothing
 *                   │             └─ what lost its parent
 *                   └─ (group) tare-realm-PID/init
 *
 * Cgroup v2 is all that there is of cgroups, so that every host shows the engine the same kind; unless it is to see what
 * the host has, v1 and all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { readMountinfo } from '../../../src/linux/proc.ts';
import { callByFiles, type Called, eventually } from './call.ts';

/** From here, or from a bundle of all this in dist. */
const above = ['../../..', '..'].map((way) => join(import.meta.dirname, way));
export const checkout = above.find((path) => existsSync(join(path, 'bin/tare-oci'))) ?? '';
export const busyboxRoot = join(checkout, 'dist/images/busybox/rootfs');

/** Engines keep state here that no option leads elsewhere; with the last process in it, it is gone. */
const hidden = ['/run', '/var/lib', '/dev/shm'];

/** A filesystem of cgroups, and the realm's group in it. */
interface Hierarchy {
  readonly mountPoint: string;
  readonly group: string;
  /** Words of mount(8) that mount it anew: it then begins at that group. */
  readonly words: string;
}

function hierarchies(kind: Cgroups): Hierarchy[] {
  const { mount } = probeCgroups();
  const name = `tare-realm-${process.pid}`;
  if (kind === 'v2') {
    const group = join(mount ?? '/sys/fs/cgroup', name);
    return [{ mountPoint: '/sys/fs/cgroup', group, words: '-t cgroup2' }];
  }
  return readMountinfo()
    .filter(({ type, mountPoint }) => (type === 'cgroup2' ? mountPoint === mount : type === 'cgroup'))
    .map(({ type, mountPoint, superOptions }) => {
      const which = superOptions.filter((option) => !['rw', 'ro', 'xattr'].includes(option)).join(',');
      const options = which.startsWith('name=') ? `none,${which}` : which;
      return {
        mountPoint,
        group: join(mountPoint, name),
        words: type === 'cgroup2' ? '-t cgroup2' : `-t cgroup -o ${options}`,
      };
    });
}

const moveTo = (all: readonly Hierarchy[], below: string): string =>
  all.map(({ group }) => `echo $$ >${group}${below}/cgroup.procs`).join(' && ');

const mountAll = (all: readonly Hierarchy[]): string =>
  [
    'umount -R /sys/fs/cgroup',
    ...(all.length > 1 ? ['mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup'] : []),
    ...all.map(({ mountPoint, words }) => `mkdir -p ${mountPoint} && mount ${words} cgroup ${mountPoint}`),
  ].join('\n');

/** A new group of cpuset has nothing to run on. */
function makeGroups({ mountPoint, group }: Hierarchy): void {
  for (const made of [group, join(group, 'init')]) {
    mkdirSync(made, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (mountPoint.endsWith('/cpuset')) writeFileSync(join(made, file), readFileSync(join(made, '..', file)));
  }
}

const setUp = (all: readonly Hierarchy[]): string => `
set -e
place=$1; shift
${moveTo(all, '/init')}
cd $place
for path in ${hidden.join(' ')}; do
  if [ -d $path ]; then mount -t tmpfs -o mode=755 tmpfs $path; fi
done
mkdir -p $place && mount --no-canonicalize --rbind . $place && cd /
chmod 1777 /dev/shm
mkdir /run/etc /run/etc/upper /run/etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
${mountAll(all)}
ip link set lo up
exec setpriv --pdeathsig KILL unshare --pid --fork --kill-child sh -c '
  mount -t proc proc /proc && touch "$0/ready"
  "$@" &
  wait; exec sleep 1000000' $place "$@"
`;

/** What of cgroups an engine sees. */
export type Cgroups = 'v2' | 'as the host';

export class Realm implements AsyncDisposable {
  /** A directory that is the same inside. */
  readonly place = mkdtempSync(join(tmpdir(), 'tare-realm-'));
  readonly #hierarchies: readonly Hierarchy[];
  #process: ChildProcess | undefined;
  #init = 0;

  constructor(cgroups: Cgroups = 'v2') {
    this.#hierarchies = hierarchies(cgroups);
    for (const { group } of this.#hierarchies)
      for (const name of readdirSync(dirname(group)))
        if (name.startsWith('tare-realm-')) removeGroups(join(group, '..', name)); // of the killed
  }

  /** Its group of v2. */
  get group(): string {
    return this.#hierarchies.find(({ words }) => words === '-t cgroup2')?.group ?? '';
  }

  at(...names: string[]): string {
    return join(this.place, ...names);
  }

  /** @param command that runs for as long as the realm does */
  async open(...command: readonly string[]): Promise<void> {
    this.#hierarchies.forEach(makeGroups);
    const log = openSync(this.at('log'), 'a');
    const enter = `${moveTo(this.#hierarchies, '')} && exec unshare --mount --net --ipc --cgroup --propagation private sh -c "$0" sh "$@"`;
    const words = [setUp(this.#hierarchies), this.place, ...(command.length === 0 ? ['true'] : command)];
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', enter, ...words], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    await eventually(
      `the realm is there: ${this.log()}`,
      () => this.#process?.exitCode !== null || existsSync(this.at('ready')),
    );
    const pid = this.#process.pid ?? 0;
    this.#init = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }

  /** What the command has said. */
  log(): string {
    return existsSync(this.at('log')) ? readFileSync(this.at('log'), 'utf8') : '';
  }

  /** Words before a command that is to run in there. */
  get within(): readonly string[] {
    const enter = `${moveTo(this.#hierarchies, '/init')} && exec nsenter -t ${this.#init} -m -n -i -p -C "$@"`;
    return ['/bin/sh', '-c', enter, 'sh'];
  }

  call(...words: readonly string[]): Called {
    return callByFiles(this.place, words, this.within);
  }

  /** Groups, processes, mounts: what is left on the host when all has ended is the realm's fault. */
  left(): string[] {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return [
      ...this.#hierarchies.map(({ group }) => group).filter((group) => existsSync(group)),
      ...(existsSync(this.place) ? [`directory ${this.place}`] : []),
      ...mounts.filter((line) => line.includes(this.place)),
      ...readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLineOf(name).includes(this.place)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const top = this.#process;
    if (top?.exitCode === null && top.signalCode === null) {
      const ended = once(top, 'exit');
      top.kill('SIGKILL');
      await ended;
    }
    await eventually('all of the realm is gone', () =>
      this.#hierarchies.map(({ group }) => removeGroups(group)).every(Boolean),
    );
    rmSync(this.place, { recursive: true, force: true });
  }
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone
  }
}

/** @returns whether there is none left */
function removeGroups(group: string): boolean {
  if (!existsSync(group)) return true;
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(group, entry.name));
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false; // in use
  }
}
