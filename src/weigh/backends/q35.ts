import { virtualMachines } from '../virtual-machine.ts';

export const q35 = virtualMachines({
  name: 'q35',
  title: 'QEMU q35',
  machine: { machine: 'q35', devices: 'virtio' },
  notes: 'a PC with PCI and virtio',
});
