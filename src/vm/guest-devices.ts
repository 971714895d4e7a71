/** How a guest finds its devices: which modules drive them, and what their nodes are called. Pure; it depends on the machine alone. */
import type { DiskFormat } from './disk.ts';
import type { DeviceModel, Machine, MachineType } from './machine.ts';

/** What of a machine the guest must know. */
export interface GuestDevices {
  /** Modules to be loaded before the host can be heard. */
  readonly early: readonly string[];
  /** Node of the channel, and whether it is a serial line, which must be told not to interpret what passes. */
  readonly channel: { readonly node: string; readonly serial: boolean };
  /** Modules for the image, the volumes and the network. */
  readonly late: readonly string[];
  /** Node of the disk with the image. */
  readonly disk: string;
  /** Node of the disk that the payload writes to, where there is one. */
  readonly data?: string;
}

const buses: Readonly<Record<MachineType, string>> = { microvm: 'virtio_mmio', q35: 'virtio_pci', pc: 'virtio_pci' };
const diskControllers: Readonly<Record<MachineType, readonly string[]>> = {
  microvm: [],
  q35: ['ahci', 'sd_mod'],
  pc: ['ata_piix', 'sd_mod'],
};

/** Both ask for the checksum by the name of its algorithm, of which only modprobe(8) knows the module. */
const filesystems: Readonly<Record<DiskFormat, readonly string[]>> = {
  erofs: ['crc32c_generic', 'erofs'],
  squashfs: ['squashfs'],
  ext4: ['crc32c_generic', 'ext4'],
};

export interface DevicesOptions {
  /** What the image's disk holds. */
  readonly format: DiskFormat;
  /** Directories of the host are mounted. */
  readonly shares: boolean;
  /** There is a disk to write to, with an ext4. */
  readonly data?: boolean;
}

type Board = Pick<Machine, 'type' | 'devices' | 'network' | 'balloon'>;

export function guestDevices(machine: Board, { format, shares, data = false }: DevicesOptions): GuestDevices {
  const { type, devices, network, balloon = false } = machine;
  const mounted = [
    ...filesystems[format],
    'overlay',
    ...(shares ? ['virtiofs'] : []),
    ...(data ? filesystems.ext4 : []),
  ];
  const drivers = driversOf(devices, type);
  return {
    early: drivers.early,
    channel: drivers.channel,
    late: [
      ...drivers.disk,
      ...mounted,
      ...(network === 'none' ? [] : [drivers.network]),
      ...(balloon ? ['virtio_balloon'] : []),
    ],
    disk: drivers.node,
    ...(data ? { data: drivers.second } : {}),
  };
}

function driversOf(devices: DeviceModel, type: MachineType) {
  if (devices === 'virtio')
    return {
      early: [buses[type], 'virtio_console'],
      // The first port of the only device: they are counted from 1, for port 0 is a console's.
      channel: { node: '/dev/vport0p1', serial: false },
      disk: ['virtio_blk'],
      node: '/dev/vda',
      second: '/dev/vdb',
      network: 'virtio_net',
    };
  return {
    early: [],
    channel: { node: '/dev/ttyS1', serial: true },
    disk: diskControllers[type],
    node: '/dev/sda',
    second: '/dev/sdb',
    network: 'e1000',
  };
}
