/** systemd-nspawn, without systemd: nobody is told of the machine, and its groups are made below ours. */
import { join } from 'node:path';
import { apart, rootApart } from '../apart.ts';
import { clearing, clearSite } from '../clear-site.ts';
import { commandPeer } from '../command-peer.ts';
import { makeNamingGroups } from '../groups.ts';
import { namespaced, readOnlyRoot } from '../offers.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { places, volumeOf } from '../storage.ts';
import type { Backend } from '../types/backend.ts';

/** It would write into the root otherwise, and take it for itself alone. */
const leaveRootAlone = ['--read-only', '--resolv-conf=off', '--timezone=off', '--link-journal=no'];

export const systemdNspawn: Backend = {
  name: 'systemd-nspawn',
  title: 'systemd-nspawn',
  family: 'container',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'directory',
    cgroup: false,
    seccomp: true,
    kernel: 'shared',
    notes:
      'read-only root, nspawn’s own seccomp profile and capabilities; cgroups name its processes, and limit nothing',
  },
  offers: namespaced(readOnlyRoot),
  probe: async () => (isRoot() ? probeProgram('systemd-nspawn', 'systemd-container') : needsRoot),
  open: async (job, site) => {
    const groups = makeNamingGroups(site);
    const enter = groups.map((group) => `echo $$ > ${join(group, 'cgroup.procs')}`);
    const command = [
      ...['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--machine={}', '--hostname=tare-weigh'],
      ...['--directory', rootApart(site), ...leaveRootAlone, '--pipe'],
      ...(job.network === 'own' ? ['--private-network'] : []),
      ...(job.storage === 'volume' ? [`--bind=${volumeOf(site)}:${places.volume}`] : []),
      ...['--', ...job.payload],
    ];
    const within = apart(job, site, { steps: [...enter, 'exec "$@"'] });
    const peer = commandPeer(command, job, site, { name: 'nspawn', within });
    return clearing(peer, site);
  },
  sweep: clearSite,
};
