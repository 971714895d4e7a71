/** No isolation at all: what everything else is compared with. */
import { commandPeer } from '../command-peer.ts';
import { isRoot } from '../probe-program.ts';
import { namespaced } from '../offers.ts';
import { furnishing } from '../storage.ts';
import type { Backend } from '../types/backend.ts';

const plain = { through: 'the host’s filesystem' };

export const bareProcess: Backend = {
  name: 'process',
  title: 'bare process',
  family: 'process',
  traits: {
    namespaces: [],
    root: 'chroot',
    cgroup: false,
    seccomp: false,
    kernel: 'shared',
    notes: 'the root is changed once, outside of all times',
  },
  probe: async ({ engine }) => {
    if (!isRoot()) return { missing: { reason: 'chroot needs root', cure: 'sudo tare weigh' } };
    return { version: engine.host.kernel.join('.') };
  },
  offers: { ...namespaced(plain), volume: plain },
  open: async (job, site) =>
    commandPeer(job.payload, job, site, {
      name: 'process',
      ...(job.root === '/' ? {} : { root: job.root }),
      within: furnishing(job, site),
    }),
};
