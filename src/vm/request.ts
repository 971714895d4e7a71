/** What a user asks of a virtual machine, before any default is filled in. */
import type { Accelerator, DeviceModel, MachineNetwork, MachineType } from './machine.ts';

export const acceleratorChoices = ['auto', 'kvm', 'tcg'] as const satisfies readonly (Accelerator | 'auto')[];
export const networkChoices = ['none', 'user'] as const;

/** What a virtual machine is to be. Whatever is absent is chosen. */
export interface MachineRequest {
  /** `auto`, where absent: KVM if the guest boots under it here, else TCG. */
  accelerator?: (typeof acceleratorChoices)[number];
  /** `microvm` where absent, or `q35` with emulated devices. */
  machine?: MachineType;
  /** `virtio` where absent. */
  devices?: DeviceModel;
  /** A file: bzImage, or ELF with a PVH entry. Debian's kernel where absent. */
  kernel?: string;
  /** `none` where absent; `user` is QEMU's own TCP/IP, which needs no privileges. */
  network?: MachineNetwork;
  /** A balloon, by which the host takes memory back while the guest runs: `RunningMachine.balloon`. None where absent: it costs a driver. */
  balloon?: boolean;
  /** A file with an ext4, as a disk of its own that the payload finds mounted. It belongs to QEMU's user from then on. */
  disk?: { readonly file: string; readonly target: string };
  /** Resume this snapshot in place of booting. */
  fromSnapshot?: string;
  /** How long a boot may take, in seconds; 60 where absent, which is plenty even under TCG. */
  bootTimeout?: number;
}
