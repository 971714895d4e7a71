/** The mounts of every container, and those that a request adds: Docker's, option for option. */
import { isMapped } from './id-maps.ts';
import { parseMountOptions } from './mount-options.ts';
import type { MountRequest } from './request.ts';
import type { SpecFacts } from './spec-facts.ts';
import type { Mount } from './spec.ts';
import type { IdMaps, Worlds } from './worlds.ts';

export interface MountContext {
  readonly worlds: Worlds;
  readonly privileged: boolean;
  readonly facts: SpecFacts;
  /** Of a new user namespace. */
  readonly maps: IdMaps | undefined;
}

/** The group `tty`, which owns terminals, has this number in every image. */
const ttyGroup = 5;

const shm = (options: string[]): Mount => ({ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options });

/** A user namespace may mount proc, sysfs, mqueue and cgroup2 only where it owns their namespace: else show the host's. */
const hostDirectory = (path: string, options: string[]): Mount => ({
  destination: path,
  type: 'bind',
  source: path,
  options: ['rbind', 'rprivate', ...options],
});

const guarded = ['nosuid', 'noexec', 'nodev'];

/** /proc, /dev and what belongs below them, /sys. */
function defaultMounts({ worlds, privileged, facts, maps }: MountContext): Mount[] {
  const lacks = new Set(facts.lacks);
  // Who joins a user namespace and another by their paths most likely found both at one container.
  const joins = (world: Worlds[keyof Worlds]): boolean => typeof world === 'object';
  const owned = (world: Worlds[keyof Worlds]): boolean =>
    worlds.user === 'host' || world === 'new' || (joins(worlds.user) && joins(world));
  const access = privileged ? 'rw' : 'ro';
  const ttys = maps === undefined || isMapped(maps.gidMappings, ttyGroup) ? [`gid=${ttyGroup}`] : [];

  const proc: Mount = owned(worlds.pid)
    ? { destination: '/proc', type: 'proc', source: 'proc', options: guarded }
    : hostDirectory('/proc', guarded);
  const dev: Mount = {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  };
  const devpts: Mount = {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ttys],
  };
  const sys: Mount = owned(worlds.network)
    ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...guarded, access] }
    : hostDirectory('/sys', [...guarded, 'rro']);
  const cgroup: Mount = owned(worlds.cgroup)
    ? { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [access, ...guarded] }
    : hostDirectory('/sys/fs/cgroup', [...guarded, 'rro']);
  const mqueue: Mount = owned(worlds.ipc)
    ? { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded }
    : hostDirectory('/dev/mqueue', guarded);
  // Shared memory is what POSIX makes of IPC: who shares the host's namespace expects the host's.
  const shared: Mount =
    worlds.ipc === 'host' ? hostDirectory('/dev/shm', guarded) : shm([...guarded, 'mode=1777', 'size=67108864']);

  return [
    proc,
    dev,
    devpts,
    sys,
    ...(lacks.has('cgroup2') ? [] : [cgroup]),
    ...(lacks.has('mqueue') || (mqueue.type === 'bind' && lacks.has('/dev/mqueue')) ? [] : [mqueue]),
    shared,
  ];
}

function requestedMount({ type, source, target, options }: MountRequest): Mount {
  if (type === 'tmpfs') {
    return { destination: target, type, source: type, options: ['nosuid', 'nodev', 'noexec', ...options] };
  }
  const { bind, propagation } = parseMountOptions(options);
  const defaults = [...(bind === false ? ['rbind'] : []), ...(propagation.length === 0 ? ['rprivate'] : [])];
  return { destination: target, type: 'bind', source, options: [...defaults, ...options] };
}

const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;

/**
 * All mounts of a container, in the order they are made: a directory before what lies below it, whatever order the
 * request has them in. A default gives way to a request for its own place or one above it.
 */
export function mountsOf(requests: readonly MountRequest[], context: MountContext): Mount[] {
  // In a mount namespace that is joined everything is mounted.
  if (context.worlds.mount !== 'new') return [];
  const gone = ({ destination }: Mount): boolean =>
    requests.some(({ target }) => `${destination}/`.startsWith(`${target}/`));
  const kept = defaultMounts(context).filter((mount) => !gone(mount));
  const added = requests.map(requestedMount).sort((one, other) => depth(one.destination) - depth(other.destination));
  return [...kept, ...added];
}
