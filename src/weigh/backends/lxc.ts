/** LXC, asked for as much of the same as it knows. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { apart, rootApart } from '../apart.ts';
import { clearing, clearSite } from '../clear-site.ts';
import { commandPeer } from '../command-peer.ts';
import { groupOf } from '../groups.ts';
import { specOf } from '../job.ts';
import { namespaced, readOnlyRoot } from '../offers.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { places, volumeOf } from '../storage.ts';
import type { Backend, Job, Site } from '../types/backend.ts';

const seccompProfile = '/usr/share/lxc/config/common.seccomp';

export const lxc: Backend = {
  name: 'lxc',
  title: 'lxc-execute',
  family: 'container',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'directory',
    cgroup: true,
    seccomp: true,
    kernel: 'shared',
    notes: 'read-only root, an init of its own as pid 1, LXC’s own seccomp profile, no masked paths',
  },
  offers: namespaced(readOnlyRoot),
  probe: async () => (isRoot() ? probeProgram('lxc-execute', 'lxc') : needsRoot),
  open: async (job, site) => {
    const state = join(site.directory, 'lxc');
    mkdirSync(state, { recursive: true });
    const config = await writeConfig(job, site);
    const group = groupOf(site);
    const command = [
      ...['lxc-execute', '--lxcpath', state, '--name', '{}', '--rcfile', config],
      ...['--define', `lxc.cgroup.dir.container=${group}/{}.payload`],
      ...['--define', `lxc.cgroup.dir.monitor=${group}/{}.monitor`],
      // Where the monitor waits while the other two are removed; it leaves this one behind.
      ...['--define', `lxc.cgroup.dir.monitor.pivot=${group}/pivot`],
      ...['--', ...job.payload],
    ];
    const own = { ...job, root: await copyOf(job.root, site) };
    const peer = commandPeer(command, own, site, { name: 'lxc', within: apart(own, site) });
    return clearing(peer, site);
  },
  sweep: clearSite,
};

/** LXC puts its init into the root and takes it away again: all others would find theirs changed. */
async function copyOf(root: string, { disk }: Site): Promise<string> {
  const copy = join(disk, 'root');
  await rm(copy, { recursive: true, force: true });
  await execa('cp', ['--archive', '--reflink=auto', root, copy]);
  return copy;
}

/** As lxc.container.conf(5) says. */
async function writeConfig(job: Job, site: Site): Promise<string> {
  const { spec } = await specOf(job, site);
  const capabilities = spec.process.capabilities?.bounding ?? [];
  const lines = [
    `lxc.rootfs.path = dir:${rootApart(site)}`,
    'lxc.rootfs.options = ro',
    'lxc.uts.name = tare-weigh',
    `lxc.net.0.type = ${job.network === 'own' ? 'empty' : 'none'}`,
    'lxc.mount.auto = proc:mixed sys:ro',
    ...(job.storage === 'volume'
      ? [`lxc.mount.entry = ${volumeOf(site)} ${places.volume.slice(1)} none bind 0 0`]
      : []),
    `lxc.cap.keep = ${capabilities.map((name) => name.replace(/^CAP_/, '').toLowerCase()).join(' ')}`,
    ...(existsSync(seccompProfile) ? [`lxc.seccomp.profile = ${seccompProfile}`] : []),
  ];
  const file = join(site.directory, 'conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
