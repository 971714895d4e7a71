import type { Traits } from './types/result.ts';

/** What a container of tare gets, whether from Node or from the command line. */
export const tareTraits: Traits = {
  namespaces: ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup'],
  root: 'overlay',
  cgroup: true,
  seccomp: true,
  kernel: 'shared',
  notes: 'cgroup v2, with an eBPF device judge',
};
