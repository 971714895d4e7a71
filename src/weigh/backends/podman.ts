/** podman: no daemon, but a monitor for each container, and the OCI runtime that it finds. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TareError } from '../../errors.ts';
import { apart } from '../apart.ts';
import { clearing, clearSite } from '../clear-site.ts';
import { peerOf } from '../command-peer.ts';
import { groupOf } from '../groups.ts';
import { imageArchive, imageName, loadedMark } from '../image-archive.ts';
import { joining } from '../job.ts';
import { namespaced, overlayRoot } from '../offers.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { runCommand } from '../run-command.ts';
import { Stopwatch } from '../stopwatch.ts';
import { places, volumeOf } from '../storage.ts';
import type { Backend, Job, Peer, Site } from '../types/backend.ts';

export const podman: Backend = {
  name: 'podman',
  title: 'podman run',
  family: 'container',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'overlay',
    cgroup: true,
    seccomp: true,
    kernel: 'shared',
    notes: 'a monitor for each container, podman’s own seccomp profile, no log of events',
  },
  offers: namespaced(overlayRoot),
  probe: async () => (isRoot() ? probeProgram('podman', 'podman') : needsRoot),
  open: async (job, site) => {
    const archive = await imageArchive(job, site);
    const within = [...joining(job), ...apart(job, site, { unifiedToo: true })];
    await loadImage(archive, loadedMark(job, site), within, site);
    return openPodman(job, site, within);
  },
  sweep: clearSite,
};

const programFor = ({ directory, disk }: Site): string[] => [
  ...['podman', '--root', join(disk, 'storage'), '--runroot', join(directory, 'run')],
  ...['--tmpdir', join(directory, 'tmp'), '--storage-driver', 'overlay'],
  ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
];

async function loadImage(archive: string, done: string, within: readonly string[], site: Site): Promise<void> {
  if (existsSync(done)) return;
  const command = [...within, ...programFor(site), 'load', '--quiet', '--input', archive];
  const { failed, said } = await runCommand(command, 120);
  if (failed) throw new TareError('load the image into podman', { hint: said });
  writeFileSync(done, '');
}

function openPodman(job: Job, site: Site, within: readonly string[]): Peer {
  const create = [
    ...['--interactive', '--name', '{}', '--pull', 'never', '--hostname', 'tare-weigh', '--cgroupns', 'private'],
    ...['--network', job.network === 'own' ? 'none' : 'host', '--cgroup-parent', `/${groupOf(site)}`],
    ...(job.storage === 'volume' ? ['--volume', `${volumeOf(site)}:${places.volume}`] : []),
    // Its own defaults are above what an unprivileged host may give.
    ...['--ulimit', 'nofile=20000:20000', '--ulimit', 'nproc=20000:20000'],
    ...[imageName(job), ...job.payload],
  ];
  const watch = (...words: readonly string[]): Stopwatch =>
    new Stopwatch([...programFor(site), ...words], { name: 'podman', within, signal: site.signal });
  const stopwatch = watch('run', '--rm', ...create);
  return clearing(peerOf(stopwatch, job), site);
}
