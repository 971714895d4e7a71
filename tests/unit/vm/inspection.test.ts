import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseInspection } from '../../../src/vm/inspection.ts';
import { renderView } from '../../../src/vm/inspection-text.ts';
import { viewOf } from '../../../src/vm/machine-view.ts';

const page = (name: string): string =>
  renderView(
    viewOf(
      parseInspection(readFileSync(join(import.meta.dirname, '../../../fixtures/platform', `${name}.txt`), 'utf8')),
    ),
  );

test('a machine of virtio devices, as its guest sees it', () => {
  expect(page('qemu-tcg-microvm')).toMatchInlineSnapshot(`
    "platform   QEMU TCG: type 2, full virtualization with virtio devices
    type       2: a program of the host translates the guest’s code
    processor  full: the kernel runs on it unchanged, and need not know
    devices    para-virtual: 2 on virtio
    clock      tsc
    because    CPUID 0x40000000 says TCGTCGTCGTCG
               DMI or ACPI says BOCHS BXPC
    DMI        none: no firmware has left tables about the board
    clocks     tsc, refined-jiffies, jiffies

    BUS     DEVICE   DRIVER      KIND          WHAT IT IS
    virtio  virtio0  virtio_rng  para-virtual  random numbers
    virtio  virtio1  virtio_blk  para-virtual  disk
    pnp     00:00    serial      emulated      16550 serial port
    pnp     00:01    rtc_cmos    emulated      CMOS clock
    "
  `);
});

test('a machine of emulated devices, as its guest sees it', () => {
  expect(page('qemu-tcg-pc-emulated')).toMatchInlineSnapshot(`
    "platform   QEMU TCG: type 2, full virtualization
    type       2: a program of the host translates the guest’s code
    processor  full: the kernel runs on it unchanged, and need not know
    devices    none para-virtual
    clock      tsc
    because    CPUID 0x40000000 says TCGTCGTCGTCG
               DMI says QEMU Standard PC (i440FX + PIIX, 1996)
    DMI        QEMU Standard PC (i440FX + PIIX, 1996), with firmware by SeaBIOS
    clocks     tsc, hpet, acpi_pm

    BUS    DEVICE        DRIVER    KIND      WHAT IT IS
    pci    0000:00:00.0  -         emulated  i440FX host bridge, of 1996
    pci    0000:00:01.0  -         emulated  PIIX3 ISA bridge
    pci    0000:00:01.1  ata_piix  emulated  PIIX3 IDE controller
    pci    0000:00:01.3  -         emulated  PIIX4 power management
    pci    0000:00:02.0  e1000     emulated  Intel 82540EM network card (e1000)
    pnp    00:00         i8042     emulated  keyboard controller (i8042)
    pnp    00:01         i8042     emulated  PS/2 mouse
    pnp    00:02         -         emulated  floppy controller
    pnp    00:03         serial    emulated  16550 serial port
    pnp    00:04         rtc_cmos  emulated  CMOS clock
    scsi   0:0:0:0       sd        emulated  disk QEMU HARDDISK
    serio  serio0        atkbd     emulated  i8042 KBD port
    serio  serio1        -         emulated  i8042 AUX port
    "
  `);
});

test('no page is wider than a terminal', () => {
  for (const name of ['qemu-tcg-microvm', 'qemu-tcg-pc-emulated', 'qemu-tcg-hidden', 'qemu-tcg-q35-virtio'])
    for (const line of page(name).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('lines of no known form are passed over', () => {
  const noise = '[    0.1] kernel: device found\ncpu\n\nfile\ndevice pci 0000:00:02.0 0x8086:0x100e e1000\r\n';
  const { devices, platform } = parseInspection(noise);
  expect(devices).toEqual([{ bus: 'pci', name: '0000:00:02.0', id: '8086:100e', driver: 'e1000' }]);
  expect(platform.cpuid).toEqual({});
});
