/** What a guest sees of its machine, and what that says of it. Pure. */
import { judgePlatform, type Platform, type PlatformFacts } from '../linux/platform.ts';
import { type DeviceKind, knownDevice } from './device-names.ts';
import type { GuestDevice, Inspection } from './inspection.ts';

/** A device of a guest, by what its bus says of it. */
export interface SeenDevice extends GuestDevice {
  /** Undefined for one that is in no table of tare's. */
  readonly kind: DeviceKind | undefined;
  /** For people; its number on the bus where nothing is known of it. */
  readonly what: string;
}

/** What a guest sees of its machine, each device with its driver. */
export interface MachineView {
  /** Who runs the guest, and of what kind that is. */
  readonly platform: Platform;
  readonly devices: readonly SeenDevice[];
  /** What the guest has read: CPUID, DMI, ACPI, clocks. */
  readonly facts: PlatformFacts;
}

export const viewOf = ({ platform: facts, devices }: Inspection): MachineView => ({
  platform: judgePlatform(facts),
  devices: devices.map((device) => ({
    ...device,
    ...(knownDevice(device.bus, device.id) ?? { kind: undefined, what: device.id }),
  })),
  facts,
});
