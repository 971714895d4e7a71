/** docker, by its API: dockerd is started for this, on a socket of its own. */
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { clearSite } from '../clear-site.ts';
import { openDocker } from '../docker-peer.ts';
import { namespaced, overlayRoot } from '../offers.ts';
import type { Backend } from '../types/backend.ts';

export const docker: Backend = {
  name: 'docker',
  title: 'docker, by its API',
  family: 'daemon',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'overlay',
    cgroup: true,
    seccomp: true,
    kernel: 'shared',
    notes: 'a service started for this, docker’s own seccomp profile, a log of what is written',
  },
  offers: namespaced(overlayRoot),
  probe: async () => (isRoot() ? probeProgram('dockerd', 'docker.io') : needsRoot),
  open: openDocker,
  sweep: clearSite,
};
