/** The registry of cgroup drivers: a new one is a file and a line here. */
import type { CgroupDriver } from './driver.ts';

/** Each is loaded when it is asked for. `system`: whether we have power over the host, or a user's own part of it. */
const drivers = {
  cgroupfs: async () => (await import('./cgroupfs.ts')).cgroupfs,
  systemd: async (system: boolean) => new (await import('./systemd.ts')).Systemd(system),
} satisfies Record<string, (system: boolean) => Promise<CgroupDriver>>;

export const cgroupDriver = async (name: keyof typeof drivers, system: boolean): Promise<CgroupDriver> =>
  drivers[name](system);
