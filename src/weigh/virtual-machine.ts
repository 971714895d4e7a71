/** Virtual machines as backends: QEMU, with the board, the devices and the start that a file of `backends/` names. */
import { isolations } from '../isolation/isolations.ts';
import type { MachineRequest } from '../vm/request.ts';
import { IsolatedPeer } from './isolated-peer.ts';
import { isRoot, needsRoot, probeProgram } from './probe-program.ts';
import type { Backend } from './types/backend.ts';

export interface Board {
  readonly name: string;
  readonly title: string;
  readonly machine: MachineRequest;
  readonly notes: string;
}

export function virtualMachine({ name, title, machine, notes }: Board): Backend {
  return {
    name,
    title,
    family: 'vm',
    traits: { namespaces: [], root: 'disk', cgroup: true, seccomp: true, kernel: 'own', notes },
    refuses: ({ network, root }) => {
      if (network === 'host') return 'a virtual machine has no part in the host’s network';
      return root === '/' ? 'the host’s own root is no image that a disk could be made of' : undefined;
    },
    probe: async () => {
      if (!isRoot()) return needsRoot;
      return probeProgram('qemu-system-x86_64', 'qemu-system-x86');
    },
    open: async (job, site) => new IsolatedPeer(await isolations.vm(), name, job, site, { vm: machine }),
  };
}
