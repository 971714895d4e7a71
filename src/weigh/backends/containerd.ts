/** containerd, by its own client. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../../errors.ts';
import { clearSite } from '../clear-site.ts';
import { peerOf } from '../command-peer.ts';
import { Daemon } from '../daemon.ts';
import { groupOf } from '../groups.ts';
import { imageArchive, imageName, loadedMark } from '../image-archive.ts';
import { namespaced, overlayRoot } from '../offers.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { runCommand } from '../run-command.ts';
import { Stopwatch } from '../stopwatch.ts';
import { places, volumeOf } from '../storage.ts';
import type { Backend, Job, Peer, Run, Site } from '../types/backend.ts';

export const containerd: Backend = {
  name: 'containerd',
  title: 'containerd, ctr run',
  family: 'daemon',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network'],
    root: 'overlay',
    cgroup: true,
    seccomp: true,
    kernel: 'shared',
    notes: 'a service started for this; a cgroup namespace on cgroup v2 alone',
  },
  offers: namespaced(overlayRoot),
  probe: async () => (isRoot() ? probeProgram('ctr', 'containerd') : needsRoot),
  open: async (job, site) => {
    const archive = await imageArchive(job, site);
    const daemon = await startContainerd(job, site);
    try {
      await importImage(archive, loadedMark(job, site), site);
      return openClient(daemon, job, site);
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  },
  sweep: clearSite,
};

const at = ({ directory }: Site, name: string): string => join(directory, name);
const clientFor = (site: Site): string[] => ['ctr', '--address', at(site, 'sock'), '--namespace', 'tare'];

async function startContainerd(job: Job, site: Site): Promise<Daemon> {
  rmSync(at(site, 'state'), { recursive: true, force: true });
  mkdirSync(at(site, 'fifo'), { recursive: true });
  const config = at(site, 'config.toml');
  writeFileSync(config, configFor(site));
  return Daemon.start(
    {
      name: 'containerd',
      command: ['containerd', '--config', config],
      ready: async () => !(await runCommand([...clientFor(site), '--connect-timeout', '1s', 'version'], 10)).failed,
    },
    job,
    site,
  );
}

/** Without the part that serves Kubernetes. */
const configFor = (site: Site): string => `version = 2
root = "${join(site.disk, 'data')}"
state = "${at(site, 'state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "${at(site, 'sock')}"
`;

async function importImage(archive: string, done: string, site: Site): Promise<void> {
  if (existsSync(done)) return;
  const { failed, said } = await runCommand([...clientFor(site), 'images', 'import', archive], 120);
  if (failed) throw new TareError('import the image into containerd', { hint: said });
  writeFileSync(done, '');
}

function openClient(daemon: Daemon, job: Job, site: Site): Peer {
  const command = [
    ...[...clientFor(site), 'run', '--rm', '--fifo-dir', at(site, 'fifo'), '--cgroup', `/${groupOf(site)}/{}`],
    ...(job.storage === 'volume'
      ? ['--mount', `type=bind,src=${volumeOf(site)},dst=${places.volume},options=rbind:rw`]
      : []),
    ...['--seccomp', ...(job.network === 'own' ? [] : ['--net-host']), imageName(job), '{}', ...job.payload],
  ];
  const stopwatch = new Stopwatch(command, { name: 'containerd', signal: site.signal });
  const client = peerOf(stopwatch, job);
  const runOne = async (id: string): Promise<Run> => {
    const [run] = await stopwatch.runNamed([id]);
    if (run === undefined) throw new TareError('run containerd');
    // The client is told of the end before all of it is gone.
    const gone = await daemon.withoutShim(id);
    return { ...run, gone: gone > run.gone ? gone : run.gone };
  };
  return {
    run: async (count) => Promise.all(Array.from({ length: count }, async () => runOne(stopwatch.nextId()))),
    hold: async () => client.hold(),
    processes: () => {
      const { payload, helpers } = daemon.processes(job);
      return { payload, helpers: [...helpers, ...client.processes().helpers] };
    },
    [Symbol.asyncDispose]: async () => {
      await stopwatch[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}
