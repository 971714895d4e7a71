import { virtualMachines } from '../virtual-machine.ts';

export const microvm = virtualMachines({
  name: 'microvm',
  title: 'QEMU microvm',
  machine: { machine: 'microvm', devices: 'virtio' },
  notes: 'virtio over MMIO, no firmware to speak of',
});
