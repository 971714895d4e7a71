/** No isolation at all: what everything else is compared with. */
import { commandPeer } from '../command-peer.ts';
import { isRoot } from '../probe-program.ts';
import type { Backend } from '../types/backend.ts';

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
  open: async (job, site) =>
    commandPeer(job.payload, job, site, { name: 'process', ...(job.root === '/' ? {} : { root: job.root }) }),
};
