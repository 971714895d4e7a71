/** What guests see of their machines: the same kernel's drivers, on devices that know what they are and on imitations. */
import { expect, test } from 'vitest';
import { judgePlatform } from '../../src/linux/platform.ts';
import {
  type Inspection,
  inspectionModules,
  inspectionRequest,
  inspectionVolumes,
  parseInspection,
} from '../../src/vm/inspection.ts';
import { bootGuest, type GuestOptions, runIn } from './guest.ts';
import { needs } from './needs.ts';

const able = needs('tool:qemu-system-x86_64', 'tool:mkfs.erofs');

async function inspect(options: GuestOptions): Promise<Inspection> {
  const booted = await bootGuest({ ...options, modules: inspectionModules });
  await using guest = booted.guest;
  const { stdout, stderr, failure } = await runIn(guest, inspectionRequest(), { volumes: inspectionVolumes });
  expect([stderr, failure]).toEqual(['', undefined]);
  return parseInspection(stdout);
}

const drivers = ({ devices }: Inspection): (string | undefined)[] => devices.map(({ driver }) => driver);

test.runIf(able)('a microvm of virtio devices is known to be one', async () => {
  const seen = await inspect({ type: 'microvm', network: 'user' });
  expect(drivers(seen)).toEqual(expect.arrayContaining(['virtio_blk', 'virtio_console', 'virtio_net']));
  expect(seen.devices.filter(({ bus }) => bus === 'pci')).toEqual([]);
  expect(judgePlatform(seen.platform)).toMatchObject({
    hypervisor: 'QEMU TCG',
    type: '2',
    processor: 'full',
    paraDevices: [{ bus: 'virtio', count: 3 }],
    container: undefined,
  });
});

test.runIf(able)('a PC of emulated devices has the drivers of real ones, and no virtio', async () => {
  const seen = await inspect({ type: 'q35', devices: 'emulated', network: 'user' });
  expect(drivers(seen)).toEqual(expect.arrayContaining(['ahci', 'sd', 'e1000', 'serial']));
  expect(judgePlatform(seen.platform)).toMatchObject({ hypervisor: 'QEMU TCG', type: '2', paraDevices: [] });
});
