/** The kernel's state as checks see it: processes, and what the host's own namespaces are. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import {
  type IdMapEntry,
  type MountEntry,
  type NamespaceLink,
  type ProcessStatus,
  readCgroupMembership,
  readIdMap,
  readMountinfo,
  readNamespaces,
  readStatus,
  run,
} from '../index.ts';
import { deviceNumber, type FileKind, kindOf } from './file-kind.ts';
import { markerVariable } from './marker.ts';

export type Namespaces = Partial<Record<NamespaceLink, number>>;

/** What a lab calls the host: the namespaces in which it was started. */
export interface HostReference {
  readonly namespaces: Namespaces;
  readonly hostname: string;
}

export const describeHost = (): HostReference => ({ namespaces: readNamespaces(), hostname: hostname() });

/** One process. What is read of it is read once; a process that has ended meanwhile, or is not ours to see, throws. */
export class Process {
  readonly pid: number;
  #status: ProcessStatus | undefined;
  #namespaces: Namespaces | undefined;
  #mounts: readonly MountEntry[] | undefined;

  constructor(pid: number) {
    this.pid = pid;
  }

  get status(): ProcessStatus {
    return (this.#status ??= readStatus(this.pid));
  }
  get namespaces(): Namespaces {
    return (this.#namespaces ??= readNamespaces(this.pid));
  }
  /** As its root directory has them. */
  get mounts(): readonly MountEntry[] {
    return (this.#mounts ??= readMountinfo(this.pid));
  }
  /** Of the unified hierarchy. */
  get cgroup(): string {
    return readCgroupMembership(this.pid).find(({ hierarchy }) => hierarchy === 0)?.path ?? '';
  }
  /** Of each hierarchy that it is in. */
  get cgroups(): readonly string[] {
    return readCgroupMembership(this.pid).map(({ path }) => path);
  }
  /** Device and inode of its root directory. */
  get root(): string {
    const { dev, ino } = statSync(`/proc/${this.pid}/root`);
    return `${dev}:${ino}`;
  }
  /** What the name of its root directory is here; `/` for one that lies in a mount table of its own. */
  get rootPath(): string {
    return readlinkSync(`/proc/${this.pid}/root`);
  }
  get cwd(): string {
    return readlinkSync(`/proc/${this.pid}/cwd`);
  }
  idMap(of: 'uid' | 'gid'): readonly IdMapEntry[] {
    return readIdMap(this.pid, of);
  }
  /** How many processes the /proc in its root directory shows; undefined where there is none. */
  get visibleProcesses(): number | undefined {
    const names = readdirSync(`/proc/${this.pid}/root/proc`).filter((name) => /^\d+$/.test(name));
    return names.length === 0 ? undefined : names.length;
  }
  /** tty_nr of proc_pid_stat(5). */
  get hasTerminal(): boolean {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] !== '0';
  }
  /** Its file descriptors, by what they are and not by what they are called: a device has its number. */
  get openFiles(): readonly OpenFile[] {
    const directory = `/proc/${this.pid}/fd`;
    return readdirSync(directory).flatMap((fd) => openFile(join(directory, fd)));
  }
  get environment(): readonly string[] {
    return readFileSync(`/proc/${this.pid}/environ`, 'latin1').split('\0');
  }
  /** `process 17 (sh)` */
  get label(): string {
    return `process ${this.pid} (${this.status.name})`;
  }
}

export interface OpenFile {
  readonly kind: FileKind;
  /** `7:3` of a device, and the inode of others. */
  readonly what: string;
}

function openFile(path: string): OpenFile[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return []; // closed meanwhile
  const kind = kindOf(stat);
  return [{ kind, what: kind.endsWith('device') ? deviceNumber(stat.rdev) : `inode ${stat.ino}` }];
}

export class World {
  readonly host: HostReference;
  /** The process that checks. */
  readonly self = new Process(process.pid);
  readonly #students = new Map<number, boolean>();
  readonly #hostnames = new Map<number, Promise<string | undefined>>();
  #processes: readonly Process[] | undefined;

  constructor(host: HostReference) {
    this.host = host;
  }

  /** All that may be looked into, but for this process and kernel threads, which have no memory. */
  processes(): readonly Process[] {
    return (this.#processes ??= readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map((name) => new Process(Number(name)))
      .filter(canBeSeen));
  }

  /** Started at a terminal or in a lab, by itself or by whoever has started it: other things on the machine are of no interest. */
  isStudents(process: Process): boolean {
    const known = this.#students.get(process.pid);
    if (known !== undefined) return known;
    this.#students.set(process.pid, false);
    const { parentPid } = process.status;
    const found = hasTerminalOrMarker(process) || (parentPid > 1 && this.isStudents(new Process(parentPid)));
    this.#students.set(process.pid, found);
    return found;
  }

  /** The host name in the UTS namespace of a process: asked by a process that joins it, since no file says it. */
  hostnameOf(process: Process): Promise<string | undefined> {
    const { uts = 0 } = process.namespaces;
    const known = this.#hostnames.get(uts) ?? askHostname(process, this.host);
    this.#hostnames.set(uts, known);
    return known;
  }
}

function canBeSeen(process: Process): boolean {
  try {
    return process.status.residentBytes !== undefined && process.namespaces.uts !== undefined;
  } catch {
    return false;
  }
}

function hasTerminalOrMarker(process: Process): boolean {
  try {
    return process.hasTerminal || process.environment.some((variable) => variable.startsWith(`${markerVariable}=`));
  } catch {
    return false;
  }
}

async function askHostname(process: Process, host: HostReference): Promise<string | undefined> {
  const { namespaces } = process;
  if (namespaces.uts === readNamespaces().uts) return hostname();
  const own = `/proc/${process.pid}/ns`;
  // Root may enter what any user namespace owns. Others enter that first, whose maps may have no group for a terminal.
  const foreign = getuid?.() !== 0 && namespaces.user !== host.namespaces.user;
  const user = foreign ? { user: { path: `${own}/user` } } : {};
  try {
    const { stdout } = await run({
      image: 'busybox',
      args: ['cat', '/proc/sys/kernel/hostname'],
      namespaces: { uts: { path: `${own}/uts` }, ...user },
      mounts: foreign ? [{ type: 'tmpfs', target: '/dev', options: [] }] : [],
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return stdout?.trim();
  } catch {
    return undefined; // gone meanwhile, or another user's
  }
}
