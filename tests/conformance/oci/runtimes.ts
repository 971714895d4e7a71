/** The runtimes that the suite runs over, each as the words that begin its command line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { probeCgroups } from '../../../src/cgroup/hierarchy.ts';

export interface Runtime {
  readonly name: 'tare-oci' | 'runc' | 'crun';
  readonly words: readonly [string, ...string[]];
}

const ours = join(import.meta.dirname, '../../../bin/tare-oci');

/** crun takes a host with both versions of cgroups for one of version 2, and then misses what is not there. */
function crun(): Runtime['words'] {
  const { mount = '', v1 } = probeCgroups();
  if (Object.keys(v1).length === 0) return ['/usr/bin/crun'];
  const without = `umount ${mount}; exec crun "$@"`;
  return ['/usr/bin/unshare', '-m', '--propagation', 'private', '/bin/sh', '-c', without, 'crun'];
}

export const tareOci: Runtime = { name: 'tare-oci', words: [ours] };

/** tare-oci always, and the peers that are installed. */
export const runtimes: readonly Runtime[] = [
  tareOci,
  ...(existsSync('/usr/sbin/runc') ? [{ name: 'runc' as const, words: ['/usr/sbin/runc'] as const }] : []),
  ...(existsSync('/usr/bin/crun') ? [{ name: 'crun' as const, words: crun() }] : []),
];
