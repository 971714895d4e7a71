/** What the devices of virtual machines are, by the numbers on their buses: pci.ids, virtio 1.2 "Device Types", ACPI's PNP ids. */

export type DeviceKind = 'para-virtual' | 'emulated';

export interface KnownDevice {
  readonly what: string;
  readonly kind: DeviceKind;
}

const emulated = (what: string): KnownDevice => ({ what, kind: 'emulated' });
const para = (what: string): KnownDevice => ({ what, kind: 'para-virtual' });

/** By vendor and device. */
const pci: Readonly<Record<string, KnownDevice>> = {
  '8086:1237': emulated('i440FX host bridge, of 1996'),
  '8086:7000': emulated('PIIX3 ISA bridge'),
  '8086:7010': emulated('PIIX3 IDE controller'),
  '8086:7113': emulated('PIIX4 power management'),
  '8086:29c0': emulated('Q35 host bridge, of 2007'),
  '8086:2918': emulated('ICH9 LPC bridge'),
  '8086:2922': emulated('ICH9 AHCI controller'),
  '8086:2930': emulated('ICH9 SMBus'),
  '8086:100e': emulated('Intel 82540EM network card (e1000)'),
  '8086:10d3': emulated('Intel 82574L network card (e1000e)'),
  '10ec:8139': emulated('Realtek 8139 network card'),
  '1234:1111': emulated('QEMU standard VGA'),
  '1b36:000c': emulated('PCI Express root port'),
};

/** By the type that the device itself states. */
const virtio: Readonly<Record<number, string>> = {
  1: 'network card',
  2: 'disk',
  3: 'serial ports',
  4: 'random numbers',
  5: 'balloon',
  8: 'SCSI',
  9: '9p filesystem',
  16: 'graphics',
  18: 'input',
  19: 'socket to the host (vsock)',
  24: 'memory',
  26: 'shared directory (virtiofs)',
};

const pnp: Readonly<Record<string, KnownDevice>> = {
  PNP0303: emulated('keyboard controller (i8042)'),
  PNP0F13: emulated('PS/2 mouse'),
  PNP0501: emulated('16550 serial port'),
  PNP0700: emulated('floppy controller'),
  PNP0400: emulated('parallel port'),
  PNP0B00: emulated('CMOS clock'),
  PNP0103: emulated('HPET timer'),
  PNP0C01: emulated('reserved memory'),
};

/** A device of QEMU's or another's machine; undefined for what is not in the tables. */
export function knownDevice(bus: string, id: string): KnownDevice | undefined {
  if (bus === 'virtio') return para(virtio[Number(id)] ?? `virtio device of type ${Number(id)}`);
  if (bus === 'vmbus' || bus === 'xen') return para(id);
  // On PCI, a virtio device is its transport: the device proper is on the bus virtio.
  if (bus === 'pci') return pci[id] ?? (id.startsWith('1af4:10') ? para('carries a virtio device') : undefined);
  if (bus === 'pnp') return pnp[id.toUpperCase()];
  if (bus === 'scsi') return emulated(`disk ${id.replaceAll('_', ' ').trim()}`);
  return bus === 'serio' ? emulated(id.replaceAll('_', ' ')) : undefined;
}
