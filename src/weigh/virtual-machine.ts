/** Virtual machines as backends: QEMU, with the board and the devices that a file of `backends/` names, by whoever executes it. */
import { isolations } from '../isolation/isolations.ts';
import { builtFile } from '../linux/native.ts';
import type { AcceleratorChoice } from '../vm/accelerator.ts';
import type { MachineRequest } from '../vm/request.ts';
import { followMachine } from './follow-machine.ts';
import { IsolatedPeer } from './isolated-peer.ts';
import { isRoot, needsRoot, probeProgram } from './probe-program.ts';
import { makeVolume, places } from './storage.ts';
import type { Backend, Job, Offer, Offers, Readiness, Site } from './types/backend.ts';
import type { AcceleratorName, Traits } from './types/result.ts';

export interface Board {
  /** Of the board: that of a backend says who executes it too. */
  readonly name: string;
  readonly title: string;
  readonly machine: Pick<MachineRequest, 'machine' | 'devices'>;
  readonly notes: string;
}

const accelerators = ['kvm', 'tcg'] as const;

/** A backend for each accelerator: that one of both is missing is a result too. */
export function virtualMachines({ name: board, title, machine, notes }: Board): readonly Backend[] {
  return accelerators.map((accelerator): Backend => {
    const name = `${board}-${accelerator}`;
    const request: MachineRequest = { ...machine, accelerator };
    return {
      name,
      title: `${title}, ${accelerator.toUpperCase()}`,
      family: 'vm',
      traits: machineTraits(notes),
      groups: [board, nameOf(accelerator)],
      offers: machineOffers(machine),
      refuses: whyNoMachine,
      probe: async (site) => probeMachine(site, machine, accelerator),
      open: async (job, site) =>
        new IsolatedPeer(await isolations.vm(), name, job, site, { vm: await machineFor(request, job, site) }),
      follow: async (job, site) => followMachine(await isolations.vm(), job, site, request),
    };
  });
}

export const machineTraits = (notes: string): Traits => ({
  namespaces: [],
  root: 'disk',
  cgroup: true,
  seccomp: true,
  kernel: 'own',
  notes,
});

export const memoryRoot: Offer = { missing: 'what it writes to its root stays in its memory' };

const machineOffers = ({ devices }: Board['machine']): Offers => ({
  root: memoryRoot,
  volume: { through: devices === 'emulated' ? 'an emulated AHCI disk' : 'virtio-blk' },
  link: { through: devices === 'emulated' ? 'an emulated e1000' : 'virtio-net' },
});

/** With the disk and the network that the job asks for. */
async function machineFor(machine: MachineRequest, { storage, network }: Job, site: Site): Promise<MachineRequest> {
  return {
    ...machine,
    ...(storage === undefined ? {} : { disk: { file: await makeVolume(site), target: places[storage] } }),
    ...(typeof network === 'object' ? { network: network.tap } : {}),
  };
}

export function whyNoMachine({ network, root }: Job): string | undefined {
  if (network === 'host') return 'a virtual machine has no part in the host’s network';
  return root === '/' ? 'the host’s own root is no image that a disk could be made of' : undefined;
}

const nameOf = (accelerator: (typeof accelerators)[number]): AcceleratorName => `qemu-${accelerator}`;

/** @param wanted `auto`: whoever works here */
export async function probeMachine(
  { engine }: Pick<Site, 'engine'>,
  machine: Board['machine'],
  wanted: (typeof accelerators)[number] | 'auto',
): Promise<Readiness> {
  if (!isRoot()) return needsRoot;
  const installed = await probeProgram('qemu-system-x86_64', 'qemu-system-x86');
  if ('missing' in installed || wanted === 'tcg') return { ...installed, accelerator: nameOf('tcg') };
  try {
    const { probeAccelerator } = await import('../isolation/vm-probe.ts');
    const image = `dir:${builtFile('images/weigh/rootfs')}`;
    const found = await probeAccelerator(engine, { image, vm: { ...machine, accelerator: 'auto' } });
    if (wanted === 'kvm' && found.accelerator !== 'kvm') return { missing: { reason: whyNotKvm(found) } };
    return { ...installed, accelerator: nameOf(found.accelerator) };
  } catch (error) {
    return { missing: { reason: (error as Error).message } };
  }
}

const whyNotKvm = ({ instead = 'it was not tried' }: AcceleratorChoice): string => `no KVM: ${instead}`;
