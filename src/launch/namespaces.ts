/** The worlds of its own, or of others, that the container lives in: namespaces(7). */
import { AF, AT_FDCWD, CLONE, flags, IOCTL, named, type Named, O, SOCK } from '../linux/flags.ts';
import type { Namespace, TimeOffset } from '../spec/spec.ts';
import { type Cell, data, type ProgramBuilder } from './program.ts';
import { isNew, namespaceOf } from '../spec/checks/check.ts';
import { type Stage, writeFile } from './stage.ts';

type Kind = Namespace['type'];

export const cloneFlag: Record<Kind, keyof typeof CLONE.values> = {
  user: 'NEWUSER',
  mount: 'NEWNS',
  pid: 'NEWPID',
  network: 'NEWNET',
  ipc: 'NEWIPC',
  uts: 'NEWUTS',
  cgroup: 'NEWCGROUP',
  time: 'NEWTIME',
};

const joinable: readonly Kind[] = ['pid', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time'];

/** Joining takes power over the namespace's owner: who has it over the host loses it in a user namespace, others gain it there. */
const joinOrder = (rootless: boolean): readonly Kind[] => (rootless ? ['user', ...joinable] : [...joinable, 'user']);

const unshared: readonly [Kind, string][] = [
  ['mount', 'a mount table of its own'],
  ['uts', 'a host name of its own'],
  ['ipc', 'System V IPC and message queues of its own'],
  ['network', 'a network stack of its own'],
  ['cgroup', 'a view of the cgroup tree that begins at its own'],
];

export interface Birth {
  readonly flags: Named;
  /** Its user namespace is its own from the first moment on. */
  readonly newUser: boolean;
  /** Whoever is born in a user namespace has no power over those of others: it joins these first, and makes its own then. */
  readonly makesUser: boolean;
  readonly forks: boolean;
}

/** What the child must be born with: a process cannot enter a new pid namespace later, and owns all that is made after its user namespace. */
export function bornWith(spec: Stage['spec']): Birth {
  const makesUser = isNew(spec, 'user') && joinable.some((kind) => namespaceOf(spec, kind)?.path !== undefined);
  const newUser = isNew(spec, 'user') && !makesUser;
  const userLater = makesUser || namespaceOf(spec, 'user')?.path !== undefined;
  const forks = namespaceOf(spec, 'pid')?.path !== undefined || (userLater && isNew(spec, 'pid'));
  const kinds: Kind[] = [
    ...(newUser ? (['user'] as const) : []),
    ...(isNew(spec, 'pid') && !forks ? (['pid'] as const) : []),
  ];
  return { flags: flags(CLONE, ...kinds.map((kind) => cloneFlag[kind])), newUser, makesUser, forks };
}

/** All are opened before any is joined: in another mount namespace the paths lead elsewhere. */
export function joinNamespaces({ b, spec, facts }: Stage): void {
  const opened = joinOrder(facts.rootless).flatMap((kind): [Kind, string, Cell][] => {
    const path = namespaceOf(spec, kind)?.path;
    if (path === undefined) return [];
    const why = `join the ${kind} namespace ${path}`;
    const fd = b.result(kind, `${why}: open it`, 'openat', [AT_FDCWD, path, flags(O, 'RDONLY', 'CLOEXEC'), 0], {
      hints: { ENOENT: 'its process is gone, or the path is wrong' },
    });
    return [[kind, why, fd]];
  });
  for (const [kind, why, fd] of opened) b.op(why, 'setns', [fd, flags(CLONE, cloneFlag[kind])]);
}

export function makeUserNamespace({ b }: Stage): void {
  b.op('make users and groups of its own', 'unshare', [flags(CLONE, 'NEWUSER')]);
}

/** Who joins a user namespace, or makes one late, does so before anything is made, and what is made belongs to it; the next process is the first of a new tree. */
export function makePidNamespace({ b, spec }: Stage): void {
  if (isNew(spec, 'pid')) b.op('make a process tree of its own', 'unshare', [flags(CLONE, 'NEWPID')]);
}

export function makeNamespaces({ b, spec }: Stage): void {
  for (const [kind, gives] of unshared) {
    if (isNew(spec, kind)) b.op(`make ${gives}`, 'unshare', [flags(CLONE, cloneFlag[kind])]);
  }
  if (isNew(spec, 'time')) makeTimeNamespace({ b, spec });
}

/** Unshared, it is the children's alone, and of Linux before 6.3 not even execve changes that: its maker joins it, once its offsets are set. */
function makeTimeNamespace({ b, spec }: Pick<Stage, 'b' | 'spec'>): void {
  b.op('make clocks of its own', 'unshare', [flags(CLONE, 'NEWTIME')], {
    hints: { EINVAL: 'this kernel has no time namespaces: needs Linux 5.6 with CONFIG_TIME_NS' },
  });
  const line = (clock: string, offset: TimeOffset | undefined) =>
    offset === undefined ? '' : `${clock} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`;
  const { monotonic, boottime } = spec.linux?.timeOffsets ?? {};
  const text = line('monotonic', monotonic) + line('boottime', boottime);
  const hints = {
    ERANGE: 'the clock would be negative or too large',
    EACCES: 'needs CAP_SYS_TIME in the user namespace',
  };
  if (text !== '') writeFile(b, 'set the clocks apart', AT_FDCWD, '/proc/self/timens_offsets', text, hints);
  const why = 'live by these clocks';
  const made = '/proc/self/ns/time_for_children';
  const fd = b.result('time', `${why}: open them`, 'openat', [AT_FDCWD, made, flags(O, 'RDONLY', 'CLOEXEC'), 0]);
  b.op(why, 'setns', [fd, flags(CLONE, 'NEWTIME')]);
}

/** A new network namespace has a loopback interface that is down. */
export function raiseLoopback({ b, spec }: Stage): void {
  if (isNew(spec, 'network')) raiseInterface(b, 'lo', 'the loopback interface');
}

/** netdevice(7): an interface is up, and there is a cable. */
export function raiseInterface(b: ProgramBuilder, name: string, what: string): void {
  const socket = b.result('socket', 'open a socket to configure the network', 'socket', [
    flags(AF, 'INET'),
    flags(SOCK, 'DGRAM', 'CLOEXEC'),
    0,
  ]);
  const request = data(`{ifr_name: "${name}", ifr_flags: IFF_UP|IFF_RUNNING}`, [
    { bytes: nameField(name) },
    { u16: 0x41 },
    { bytes: new Uint8Array(22) },
  ]);
  b.op(`bring ${what} up`, 'ioctl', [socket, flags(IOCTL, 'SIOCSIFFLAGS'), request]);
  b.op('close the socket', 'close', [socket]);
}

/** `ifr_name` of `struct ifreq`. */
export function nameField(name: string): Uint8Array {
  const field = new Uint8Array(16);
  field.set(Buffer.from(name));
  return field;
}

/** `sethostname` and `setdomainname`. */
export function nameHost({ b, spec }: Stage): void {
  const bytes = (text: string) => named(Buffer.byteLength(text), String(Buffer.byteLength(text)));
  if (spec.hostname !== undefined) b.op('set the host name', 'sethostname', [spec.hostname, bytes(spec.hostname)]);
  if (spec.domainname !== undefined)
    b.op('set the domain name', 'setdomainname', [spec.domainname, bytes(spec.domainname)]);
}
