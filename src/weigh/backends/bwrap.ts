/** bubblewrap, asked for as much of the same as it knows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandPeer } from '../command-peer.ts';
import { specOf } from '../job.ts';
import { namespaced, readOnlyRoot } from '../offers.ts';
import { probeProgram } from '../probe-program.ts';
import { places, volumeOf } from '../storage.ts';
import type { Backend } from '../types/backend.ts';

const filterFd = 9;

export const bwrap: Backend = {
  name: 'bwrap',
  title: 'bwrap',
  family: 'sandbox',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'bind mount',
    cgroup: false,
    seccomp: true,
    kernel: 'shared',
    notes: 'read-only root, no masked paths, no sysctls, /sys is a bind',
  },
  offers: namespaced(readOnlyRoot),
  probe: async () => probeProgram('bwrap', 'bubblewrap'),
  open: async (job, site) => {
    const { spec } = await specOf(job, site);
    const options = [
      ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup'],
      ...(job.network === 'own' ? ['--unshare-net'] : []),
      ...['--as-pid-1', '--die-with-parent', '--new-session', '--hostname', 'tare-weigh'],
      ...['--ro-bind', job.root, '/', '--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue'],
      ...(job.storage === 'volume' ? ['--bind', volumeOf(site), places.volume] : []),
      ...['--ro-bind', '/sys', '/sys', '--cap-drop', 'ALL'],
      ...(spec.process.capabilities?.bounding ?? []).flatMap((name) => ['--cap-add', name]),
    ];
    const { seccomp } = spec.linux ?? {};
    if (seccomp === undefined)
      return commandPeer(['bwrap', ...options, '--', ...job.payload], job, site, { name: 'bwrap' });
    const filter = join(site.directory, 'filter.bpf');
    writeFileSync(filter, site.engine.seccompFilter(seccomp).bpf);
    const command = ['bwrap', ...options, '--seccomp', `${filterFd}`, '--', ...job.payload];
    return commandPeer(command, job, site, { name: 'bwrap', files: { [filterFd]: filter } });
  },
};
