import { virtualMachine } from '../virtual-machine.ts';

export const q35 = virtualMachine({
  name: 'q35',
  title: 'QEMU q35, virtio',
  machine: { machine: 'q35', devices: 'virtio' },
  notes: 'a PC with PCI and virtio; KVM where a guest boots under it, else TCG',
});
