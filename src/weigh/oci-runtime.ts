/** runc and crun, with a bundle that says what tare's own spec says. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TareError } from '../errors.ts';
import { outOfSight } from './apart.ts';
import { namespaced } from './offers.ts';
import { peerOf } from './command-peer.ts';
import { specOf } from './job.ts';
import { runCommand } from './run-command.ts';
import { Stopwatch, type Left, type StopwatchOptions } from './stopwatch.ts';
import type { Job, Peer, Site, Steps } from './types/backend.ts';
import type { Traits } from './types/result.ts';

export const ociTraits: Traits = {
  namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
  root: 'directory',
  cgroup: true,
  seccomp: true,
  kernel: 'shared',
  notes: 'the bundle is made of tare’s own spec; cgroups are made where it is used to',
};

export const ociOffers = namespaced({
  missing: 'its root is the image itself: a runtime leaves an overlay to who calls it',
});

/**
 * @param options of the runtime, before its verb
 * @param within where it runs: those that cannot do with a cgroup2 beside cgroup v1 are not shown it
 */
export async function openRuntime(
  runtime: string,
  job: Job,
  site: Site,
  options: readonly string[] = [],
  within = outOfSight(),
): Promise<Peer> {
  const bundle = await makeBundle(job, site);
  const verb = (name: string, ...words: readonly string[]) => [
    runtime,
    ...options,
    '--root',
    stateOf(site),
    name,
    ...words,
    '{}',
  ];
  const watch: StopwatchOptions = { name: basename(runtime), within, signal: site.signal };
  const run = new Stopwatch(verb('run', '--bundle', bundle), watch);
  const steps = {
    create: new Stopwatch(verb('create', '--bundle', bundle), watch),
    start: new Stopwatch(verb('start'), watch),
    delete: new Stopwatch(verb('delete'), watch),
  };
  return {
    ...peerOf(run, job),
    runInSteps: async () => runInSteps(steps, run.nextId()),
    [Symbol.asyncDispose]: async () => {
      for (const stopwatch of [run, ...Object.values(steps)]) await stopwatch[Symbol.asyncDispose]();
      await deleteContainers(runtime, site);
    },
  };
}

async function runInSteps(steps: Record<keyof Steps, Stopwatch>, id: string): Promise<Steps> {
  let ended: Promise<unknown> = Promise.resolve();
  const created = await new Promise<Left>((resolve, reject) => {
    // It ends when the container's first process has, which our stopwatch adopts when `create` ends.
    ended = steps.create.runNamed([id], resolve);
    ended.then(() => reject(new TareError('create a container', { hint: 'it did not wait for its start' })), reject);
  });
  const [started] = await steps.start.runNamed([id]);
  await ended;
  const [deleted] = await steps.delete.runNamed([id]);
  return {
    create: Number(created.exited - created.requested),
    start: Number((started?.exited ?? 0n) - (started?.requested ?? 0n)),
    delete: Number((deleted?.exited ?? 0n) - (deleted?.requested ?? 0n)),
  };
}

const stateOf = ({ directory }: Site): string => join(directory, 'state');

/** Whatever the runtime still knows of, it removes. */
export async function deleteContainers(runtime: string, site: Site): Promise<void> {
  if (!existsSync(stateOf(site))) return;
  for (const id of readdirSync(stateOf(site))) {
    await runCommand([...outOfSight(), runtime, '--root', stateOf(site), 'delete', '--force', id], 30);
  }
}

/**
 * The same namespaces, mounts, devices, masks, capabilities, sysctls and seccomp profile. What differs: the root is the
 * image's directory itself and no overlay, which a runtime leaves to who calls it.
 */
async function makeBundle(job: Job, site: Site): Promise<string> {
  if (job.root === '/')
    throw new TareError('make a bundle of the host’s own root', { hint: 'a runtime has no overlay' });
  const { spec } = await specOf(job, site);
  const bundle = join(site.directory, 'bundle');
  mkdirSync(bundle, { recursive: true });
  const { cgroupsPath: _, ...linux } = spec.linux ?? {};
  const config = { ...spec, ociVersion: '1.0.2', root: { path: job.root }, linux };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}
