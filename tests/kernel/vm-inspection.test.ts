/** What guests see of their machines: the same kernel's drivers, on devices that know what they are and on imitations. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { inspect, type MachineView } from '../../src/index.ts';
import { needs } from './needs.ts';

const able = needs('root', 'overlay', 'busybox', 'tool:qemu-system-x86_64', 'tool:mkfs.erofs');
const tare = join(import.meta.dirname, '../../bin/tare');
vi.setConfig({ testTimeout: 240_000 });

const drivers = ({ devices }: MachineView): (string | undefined)[] => devices.map(({ driver }) => driver);
const kinds = ({ devices }: MachineView): ReadonlySet<string | undefined> => new Set(devices.map(({ kind }) => kind));

test.runIf(able)('a microvm of virtio devices is known to be one', async () => {
  const seen = await inspect({ vm: { accelerator: 'tcg' } });
  expect(drivers(seen)).toEqual(expect.arrayContaining(['virtio_blk', 'virtio_console', 'virtio_net']));
  expect(seen.devices.filter(({ bus }) => bus === 'pci')).toEqual([]);
  expect(kinds(seen)).toEqual(new Set(['para-virtual', 'emulated']));
  expect(seen.platform).toMatchObject({
    hypervisor: 'QEMU TCG',
    type: '2',
    processor: 'full',
    paraDevices: [{ bus: 'virtio', count: 3 }],
    container: undefined,
  });
});

test.runIf(able)('a PC of emulated devices has the drivers of real ones, and no virtio', async () => {
  const seen = await inspect({ vm: { accelerator: 'tcg', devices: 'emulated' } });
  expect(drivers(seen)).toEqual(expect.arrayContaining(['ahci', 'sd', 'e1000', 'serial']));
  expect(kinds(seen)).toEqual(new Set(['emulated']));
  expect(seen.platform).toMatchObject({ hypervisor: 'QEMU TCG', type: '2', paraDevices: [] });
});

test.runIf(able)('tare vm inspect shows it as a page, and as JSON', () => {
  const look = (...flags: string[]) =>
    spawnSync(tare, ['vm', 'inspect', '--accel', 'tcg', ...flags], { encoding: 'utf8', timeout: 200_000 });
  const page = look('--machine', 'q35', '--network', 'none');
  expect(page).toMatchObject({ status: 0, stderr: '' });
  for (const line of [
    /^platform +QEMU TCG: type 2, full virtualization with virtio devices$/m,
    /^because +CPUID 0x40000000 says TCGTCGTCGTCG$/m,
    /^DMI +QEMU Standard PC \(Q35 \+ ICH9, 2009\), with firmware by SeaBIOS$/m,
    /^clock +tsc/m,
    /^virtio +virtio1 +virtio_blk +para-virtual +disk$/m,
    /^pci +0000:00:1f\.0 +- +emulated +ICH9 LPC bridge$/m,
  ])
    expect(page.stdout).toMatch(line);
  expect(page.stdout).not.toContain('network card');
  const { devices, facts } = JSON.parse(look('--json').stdout) as MachineView;
  expect(devices).toContainEqual(expect.objectContaining({ driver: 'virtio_net', kind: 'para-virtual' }));
  expect(facts.cpuid['0x40000000']?.slice(1)).toEqual([0x54474354, 0x43544743, 0x47435447]);
});

test.runIf(able)('what is wrong with the machine that is to be looked at is said, all at once', () => {
  const { status, stderr } = spawnSync(tare, ['vm', 'inspect', '--machine', 'vax', '--from-snapshot', 'x', 'busybox'], {
    encoding: 'utf8',
  });
  expect(`${status}: ${stderr}`).toMatchInlineSnapshot(`
    "125: tare: vm inspect: 4 problems
      --machine vax: no such choice (expected microvm, q35 or pc)
      --from-snapshot: no such flag
      x: takes no such word (expected flags alone)
      busybox: takes no such word (expected flags alone)
    hint: see tare vm inspect --help
    "
  `);
});
