/** The root of the host, directory by directory: what a user namespace can see of it. Reads the host. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { readMountinfo } from '../linux/proc.ts';
import type { RootPart, RootSource } from '../spec/root-source.ts';
import type { Spec } from '../spec/spec.ts';

/** What programs cannot do without is shown even where it has mounts in it, which overlayfs would not have. */
const needed = new Set(['bin', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'nix', 'opt', 'sbin', 'usr', 'var']);

/**
 * In a user namespace the mounts of the host are locked together (mount_namespaces(7)), and overlayfs takes no layer in
 * which some of them hide what is beneath. The host's root always has such mounts, most of its directories have none.
 */
export function withParts(source: RootSource, spec: Spec, rootless: boolean): RootSource {
  const inUserNamespace = rootless || (spec.linux?.namespaces ?? []).some(({ type }) => type === 'user');
  if (source.kind !== 'overlay' || source.lower.join() !== '/' || !inUserNamespace) return source;
  const mountPoints = readMountinfo().map(({ mountPoint }) => mountPoint);
  return { ...source, parts: readdirSync('/').flatMap((name) => partOf(name, mountPoints)) };
}

/** Directories and links; a file there is a kernel or swap, and nothing that a program needs. */
function partOf(name: string, mountPoints: readonly string[]): RootPart[] {
  const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() === true) return [{ name, link: readlinkSync(`/${name}`) }];
  if (found?.isDirectory() !== true) return [];
  const isMount = mountPoints.includes(`/${name}`);
  const hasMounts = mountPoints.some((place) => place.startsWith(`/${name}/`));
  const as = isMount || (hasMounts && !needed.has(name)) ? 'place' : hasMounts ? 'bind' : 'overlay';
  return [{ name, mode: found.mode & 0o7777, as }];
}
