/** A request's limits as the spec's resources: Docker's conversions, and cgroup v2's own scales where v1's differ. */
import type { Limits } from './request.ts';
import type { Resources } from './resources.ts';
import { readSize } from './size.ts';

/** Microseconds: Docker's, and the kernel's default. */
const cpuPeriod = 100_000;

/** Without the properties that are undefined, and undefined if none is left. */
function given<T extends object>(properties: T): T | undefined {
  const entries = Object.entries(properties).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}

/** Bytes; -1, in either spelling, for no limit. The request was checked before. */
const bytes = (size: number | string | undefined): number | undefined =>
  size === undefined ? undefined : String(size) === '-1' ? -1 : readSize(size);

const word = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

/** @param swapAccounted whether this kernel can limit swap at all */
export function resourcesOf(limits: Limits, swapAccounted: boolean): Resources {
  const memory = bytes(limits.memory);
  // As Docker has it: who limits memory and says nothing of swap may use as much of it again.
  const swapDefault = memory === undefined || !swapAccounted ? undefined : memory * 2;
  const quota = limits.cpus === undefined ? undefined : Math.round(limits.cpus * cpuPeriod);
  const unified = given({
    'cpu.weight': word(limits.cpuWeight),
    'io.weight': word(limits.ioWeight),
    'memory.high': word(bytes(limits.memoryHigh)),
    ...limits.unified,
  });
  const resources: Resources = {
    memory: given({
      limit: memory,
      reservation: bytes(limits.memoryReservation),
      swap: bytes(limits.memorySwap) ?? swapDefault,
    }),
    cpu: given({
      quota,
      period: quota === undefined ? undefined : cpuPeriod,
      burst: limits.cpuBurst,
      cpus: limits.cpusetCpus,
      mems: limits.cpusetMems,
      idle: limits.cpuIdle === true ? 1 : undefined,
    }),
    pids: given({ limit: limits.pids }),
    unified: unified as Record<string, string> | undefined,
  };
  return given(resources) ?? {};
}
