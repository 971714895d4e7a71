/** unshare(1) of util-linux: namespaces, a chroot and a proc, and nothing else. */
import { commandPeer } from '../command-peer.ts';
import { isRoot, needsRoot, probeProgram } from '../probe-program.ts';
import { namespaced } from '../offers.ts';
import { furnishing } from '../storage.ts';
import type { Backend } from '../types/backend.ts';

const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--cgroup'];

export const unshare: Backend = {
  name: 'unshare',
  title: 'unshare',
  family: 'sandbox',
  traits: {
    namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
    root: 'chroot',
    cgroup: false,
    seccomp: false,
    kernel: 'shared',
    notes: 'all capabilities, no /dev, no /sys',
  },
  offers: namespaced({ missing: 'its root is the image itself' }),
  probe: async () => (isRoot() ? probeProgram('unshare', 'util-linux') : needsRoot),
  open: async (job, site) => {
    const network = job.network === 'own' ? ['--net'] : [];
    const root = ['--fork', '--kill-child', `--root=${job.root}`, '--mount-proc'];
    return commandPeer(['unshare', ...namespaces, ...network, ...root, ...job.payload], job, site, {
      name: 'unshare',
      within: furnishing(job, site),
    });
  },
};
