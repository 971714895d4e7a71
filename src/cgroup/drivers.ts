/** The registry of cgroup drivers: a new one is a file and a line here. */
import { TareError } from '../errors.ts';
import { cgroupfs } from './cgroupfs.ts';
import type { CgroupDriver } from './driver.ts';

const drivers: readonly CgroupDriver[] = [cgroupfs];

export function cgroupDriver(name = 'cgroupfs'): CgroupDriver {
  const driver = drivers.find((candidate) => candidate.name === name);
  if (driver === undefined) {
    throw new TareError(`no cgroup driver is called ${name}`, {
      hint: `there is ${drivers.map((known) => known.name).join(', ')}`,
    });
  }
  return driver;
}
