/** runc and crun with a bundle that says what tare's own spec says. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { delimiter } from 'node:path';
import type { Candidate } from '../peer.ts';
import { prepareWorkload } from '../workload.ts';
import { buildDirectory, timeCommand } from './stopwatch.ts';

/** `options` come before `run`. */
export function ociRuntime(runtime: string, options: readonly string[] = [], name = `${runtime} run`): Candidate {
  return {
    name,
    async open() {
      demand(runtime);
      const bundle = await makeBundle(runtime);
      const id = `tare-bench-${runtime}`;
      return timeCommand([runtime, ...options, 'run', '--bundle', bundle, id], { within: withoutUnified() });
    },
  };
}

/** Throws where a program is in none of the directories of PATH. */
export function demand(program: string): void {
  const directories = (process.env.PATH ?? '').split(delimiter);
  if (!directories.some((directory) => existsSync(join(directory, program))))
    throw new Error(`${program} is not installed`);
}

/**
 * crun and runc refuse a host whose v1 controllers stand beside a cgroup2 that has some too, so they are run out of sight
 * of it: in a mount namespace of their own, entered once and not timed.
 */
function withoutUnified(): [string, ...string[]] | undefined {
  if (!existsSync('/sys/fs/cgroup/unified/cgroup.procs')) return undefined;
  const script = 'umount /sys/fs/cgroup/unified && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
}

/**
 * The same namespaces, mounts, devices, masks, capabilities, sysctls and seccomp profile. What differs: the root is a plain
 * copy of the image and no overlay, which a runtime leaves to who calls it; cgroups are made where it is used to.
 */
async function makeBundle(runtime: string): Promise<string> {
  const { prepared } = await prepareWorkload(`bench-${runtime}`);
  const { image, spec } = prepared;
  const bundle = join(buildDirectory, `bundle-${runtime}`);
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle, { recursive: true });
  for (const layer of image.root.kind === 'overlay' ? image.root.lower : [])
    cpSync(layer, join(bundle, 'rootfs'), { recursive: true, verbatimSymlinks: true });
  const { cgroupsPath: _, ...linux } = spec.linux ?? {};
  const config = { ...spec, ociVersion: '1.0.2', root: { path: 'rootfs' }, linux };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}
