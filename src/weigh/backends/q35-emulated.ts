import { virtualMachines } from '../virtual-machine.ts';

export const q35Emulated = virtualMachines({
  name: 'q35-emulated',
  title: 'emulated q35',
  machine: { machine: 'q35', devices: 'emulated' },
  notes: 'a PC whose disk and serial line are those of real ones, register by register',
});
