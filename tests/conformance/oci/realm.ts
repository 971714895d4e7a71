/**
 * Where an engine may do as it likes: pid, mount, network, IPC and cgroup namespaces of its own, in which the host's
 * places for state are empty and what is written to /etc is written elsewhere. Its first process reaps, and dies with us; with it all that was made in there.
 *
 *     vitest ── sh ─┬─ pid 1: sh ─┬─ dockerd … or nothing
 *                   │             └─ what lost its parent
 *                   └─ (group) tare-realm-PID/init
 *
 * Cgroup v2 is all that there is of cgroups, so that every host shows the engine the same kind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';
import { callByFiles, type Called, eventually } from './call.ts';

/** From here, or from a bundle of all this in dist. */
const above = ['../../..', '..'].map((way) => join(import.meta.dirname, way));
export const checkout = above.find((path) => existsSync(join(path, 'bin/tare-oci'))) ?? '';
export const busyboxRoot = join(checkout, 'dist/images/busybox/rootfs');

/** Engines keep state here that no option leads elsewhere; with the last process in it, it is gone. */
const hidden = ['/run', '/var/lib', '/dev/shm'];

const setUp = `
set -e
place=$1 group=$2; shift 2
echo $$ >$group/init/cgroup.procs
cd $place
for path in ${hidden.join(' ')}; do
  if [ -d $path ]; then mount -t tmpfs -o mode=755 tmpfs $path; fi
done
mkdir -p $place && mount --no-canonicalize --rbind . $place && cd /
chmod 1777 /dev/shm
mkdir /run/etc /run/etc/upper /run/etc/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
exec setpriv --pdeathsig KILL unshare --pid --fork --kill-child sh -c '
  mount -t proc proc /proc && touch "$0/ready"
  "$@" &
  wait; exec sleep 1000000' $place "$@"
`;

export class Realm implements AsyncDisposable {
  /** A directory that is the same inside. */
  readonly place = mkdtempSync(join(tmpdir(), 'tare-realm-'));
  readonly group: string;
  #process: ChildProcess | undefined;
  #init = 0;

  constructor() {
    const { mount = '/sys/fs/cgroup' } = probeCgroups();
    for (const name of readdirSync(mount)) if (name.startsWith('tare-realm-')) removeGroups(join(mount, name)); // of the killed
    this.group = join(mount, `tare-realm-${process.pid}`);
  }

  at(...names: string[]): string {
    return join(this.place, ...names);
  }

  /** @param command that runs for as long as the realm does */
  async open(...command: readonly string[]): Promise<void> {
    mkdirSync(join(this.group, 'init'), { recursive: true });
    const log = openSync(this.at('log'), 'a');
    const enter = `echo $$ >${this.group}/cgroup.procs && exec unshare --mount --net --ipc --cgroup --propagation private sh -c "$0" sh "$@"`;
    const words = [setUp, this.place, this.group, ...(command.length === 0 ? ['true'] : command)];
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
    const enter = `echo $$ >${this.group}/init/cgroup.procs && exec nsenter -t ${this.#init} -m -n -i -p -C "$@"`;
    return ['/bin/sh', '-c', enter, 'sh'];
  }

  call(...words: readonly string[]): Called {
    return callByFiles(this.place, words, this.within);
  }

  /** Groups, processes, mounts: what is left on the host when all has ended is the realm's fault. */
  left(): string[] {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return [
      ...(existsSync(this.group) ? [`group ${this.group}`] : []),
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
    await eventually('all of the realm is gone', () => removeGroups(this.group));
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
