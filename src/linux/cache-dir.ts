/** Where this user's caches are. Pure. */
import { join } from 'node:path';

/**
 * `/var/cache/tare/PART` for root, otherwise in `$XDG_CACHE_HOME` or `~/.cache`; undefined without a home.
 * @param uid `undefined` for root of a user namespace, who has no power over the host
 */
export function cacheDir(
  part: string,
  uid: number | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (uid === 0) return join('/var/cache/tare', part);
  // The XDG base directory specification has relative paths ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'tare', part);
  return env.HOME?.startsWith('/') ? join(env.HOME, '.cache/tare', part) : undefined;
}
