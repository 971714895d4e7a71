/** What a virtual machine is: all that QEMU is told, as data. */

/** Who executes the guest's instructions: the processor under the kernel's watch, or QEMU's own translator. */
export type Accelerator = 'kvm' | 'tcg';
/** The board: made for virtual machines (Firecracker's model), a PC of 2009 with PCI Express, or one of 1996 with PCI. */
export type MachineType = 'microvm' | 'q35' | 'pc';
/** Devices that know they are not real (para-virtual), or imitations of hardware (full virtualization). */
export type DeviceModel = 'virtio' | 'emulated';

export const machineTypes = ['microvm', 'q35', 'pc'] as const satisfies readonly MachineType[];
export const deviceModels = ['virtio', 'emulated'] as const satisfies readonly DeviceModel[];

/** An open file of QEMU's process. */
export type Fd = number;

/** A file with a filesystem, as a block device of the guest. */
export interface Disk {
  /** As QEMU sees it. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** A tap device of a network namespace of the host: who makes it sees to both. */
export interface Tap {
  readonly name: string;
  /** `/proc/PID/ns/net` */
  readonly namespace: string;
}

/** `user` is QEMU's own TCP/IP. Behind a tap the guest has the same address, and the same router. */
export type MachineNetwork = 'none' | 'user' | Tap;

/** How the guest is to set up its card. */
export const guestNetwork = (network: MachineNetwork): 'none' | 'user' => (network === 'none' ? 'none' : 'user');

/** A directory of the host, served by a virtiofsd that listens at a socket. */
export interface Share {
  /** What the guest mounts. */
  readonly tag: string;
  readonly socket: string;
}

/** The guest's memory as a file, so that it can be kept, and be shared with other processes. */
export interface MemoryFile {
  readonly path: string;
  /** Whether what the guest writes reaches the file: else it stays in this process, and the file serves many. */
  readonly share: boolean;
}

/** A virtual machine: all that QEMU is told. */
export interface Machine {
  /** Shows in lists of processes. */
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly type: MachineType;
  readonly devices: DeviceModel;
  readonly cpus: number;
  /** Of the guest, in bytes. */
  readonly memory: number;
  /** As QEMU sees it: an ELF with a PVH note, or a bzImage. */
  readonly kernel: string;
  readonly initramfs: string;
  readonly disks: readonly Disk[];
  readonly network: MachineNetwork;
  readonly shares: readonly Share[];
  /** A device by which the host asks for memory back: virtio 1.2, section 5.5. */
  readonly balloon?: boolean;
  /** Sockets that lead to us: the guest's frames, and QMP. */
  readonly channel: Fd;
  readonly monitor: Fd;
  /** Everything that costs time and that no guest of ours needs is left out. */
  readonly trimmed: boolean;
  /** The host's clock rate, where the guest must not measure it: see `parametersOf`. */
  readonly tscKhz?: number;
  /** See `parametersOf`. */
  readonly wholeKernel?: boolean;
  readonly memoryFile?: MemoryFile;
  /** Start where a snapshot left off, once told so by QMP. */
  readonly resumes?: boolean;
}
