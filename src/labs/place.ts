/**
 * Where a lab is on this host. All that it makes there is found again by one of these: processes by a word in their environment,
 * mounts and files under one directory, groups and network things by their names.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readMountinfo } from '../index.ts';
import type { Lab } from './format.ts';
import { markerVariable } from './marker.ts';
import { tagOf, type Values } from './seed.ts';

export interface Place {
  /** Four letters that no other student's place has. */
  readonly tag: string;
  /** The lab's directory. */
  readonly dir: string;
  /** A group of the unified hierarchy that this user may make; undefined where there is no hierarchy. */
  readonly cgroup: string | undefined;
  /** How names of network devices and namespaces begin. */
  readonly net: string;
  /** In the environment of all that was started in a lab's shell. */
  readonly marker: string;
}

/** What texts of labs may ask for besides the lab's own values. */
export const placeNames = ['dir', 'cgroup', 'net', 'tag', 'tare', 'root', 'busybox'] as const;

export interface Whose {
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function placeOf({ name, number }: Pick<Lab, 'name' | 'number'>, seed: number, { uid, env }: Whose): Place {
  const tag = tagOf(seed);
  const runtime = env.XDG_RUNTIME_DIR?.startsWith('/') === true ? env.XDG_RUNTIME_DIR : undefined;
  const base = uid === 0 ? '/run/tare-labs' : runtime === undefined ? `/tmp/tare-labs-${uid}` : `${runtime}/tare-labs`;
  const parent = groupToUse(uid);
  return {
    tag,
    dir: join(base, tag, String(number ?? name)),
    cgroup: parent === undefined ? undefined : join(parent, `tare-lab-${tag}`),
    net: `t${tag}`,
    marker: `${markerVariable}=${tag}`,
  };
}

/** Short enough for a command on one line, wherever the checkout lies. */
const busyboxOf = ({ dir }: Place): string => join(dirname(dir), 'busybox');

/** @param root the directory of a root filesystem with busybox */
export function makePlace(place: Place, root: string): void {
  mkdirSync(place.dir, { recursive: true, mode: 0o755 });
  rmSync(busyboxOf(place), { force: true });
  symlinkSync(join(root, 'bin/busybox'), busyboxOf(place));
}

/** Another lab of the same student may still be there. */
export function removePlace(place: Place): void {
  rmSync(place.dir, { recursive: true, force: true });
  const student = dirname(place.dir);
  if (existsSync(student) && readdirSync(student).every((name) => name === basename(busyboxOf(place))))
    rmSync(student, { recursive: true });
}

/** `tare` is how this command was started. */
export const placeValues = (place: Place, tare: string, root: string): Values => ({
  ...namesOf(place),
  tare,
  root,
  busybox: busyboxOf(place),
});

const namesOf = ({ dir, cgroup, net, tag }: Place): Values => ({
  dir,
  cgroup: cgroup ?? '/sys/fs/cgroup/none',
  net,
  tag,
});

/** The root of the unified hierarchy for root; for others the group they are in, which may be theirs to divide. */
function groupToUse(uid: number): string | undefined {
  const mount = readMountinfo().find(({ type, mountPoint }) => type === 'cgroup2' && mountPoint.startsWith('/sys/fs/'));
  if (mount === undefined) return undefined;
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  return uid === 0 ? mount.mountPoint : join(mount.mountPoint, own);
}
