/** A guest that was booted once, and is taken up from its memory again and again: what a boot costs, by doing without. */
import { isolations } from '../../isolation/isolations.ts';
import { sweepRooms } from '../../isolation/vm-room.ts';
import { sweepSnapshot } from '../../vm/snapshot.ts';
import { followMachine } from '../follow-machine.ts';
import { groupOf } from '../groups.ts';
import { IsolatedPeer } from '../isolated-peer.ts';
import { payloadOf } from '../job.ts';
import type { Backend, Job, Site } from '../types/backend.ts';
import { machineTraits, memoryRoot, probeMachine, whyNoMachine } from '../virtual-machine.ts';

const name = 'microvm-snapshot';
const title = 'resumed microvm';
const machine = { machine: 'microvm', devices: 'virtio' } as const;

const asSaved = { missing: 'it is as it was saved, without a second disk and without a network card' };

export const microvmSnapshot: Backend = {
  name,
  title,
  family: 'vm',
  traits: {
    ...machineTraits('taken up where its payload is about to be started: the boot before the snapshot is not counted'),
    resumed: true,
  },
  offers: { root: memoryRoot, volume: asSaved, link: asSaved },
  refuses: whyNoMachine,
  probe: async (site) => {
    const found = await probeMachine(site, machine, 'auto');
    if ('missing' in found) return found;
    return { ...found, title: `${title}, ${found.accelerator === 'qemu-kvm' ? 'KVM' : 'TCG'}` };
  },
  open: async (job, site) => new Resumed(await isolations.vm(), name, job, site, { vm: await saved(job, site) }),
  follow: async (job, site) => {
    try {
      return await followMachine(await isolations.vm(), job, site, await saved(job, site));
    } finally {
      await sweep(site);
    }
  },
  sweep,
};

class Resumed extends IsolatedPeer {
  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await sweep(this.site);
  }
}

async function saved(job: Job, site: Site): Promise<{ readonly fromSnapshot: string }> {
  const { takeSnapshot } = await import('../../isolation/vm-snapshot.ts');
  const { image, args } = payloadOf(job);
  const fromSnapshot = groupOf(site);
  await takeSnapshot(site.engine, fromSnapshot, { image, args, vm: machine, signal: site.signal });
  return { fromSnapshot };
}

async function sweep(site: Site): Promise<void> {
  await sweepSnapshot(groupOf(site));
  sweepRooms(site.engine);
}
