import { virtualMachine } from '../virtual-machine.ts';

export const microvm = virtualMachine({
  name: 'microvm',
  title: 'QEMU microvm',
  machine: { machine: 'microvm', devices: 'virtio' },
  notes: 'virtio over MMIO, no firmware to speak of; KVM where a guest boots under it, else TCG',
});
