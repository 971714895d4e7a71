/** What can be asked, in the order in which a report answers it. */
import { app } from './workloads/app.ts';
import { bandwidth } from './workloads/bandwidth.ts';
import { cpu } from './workloads/cpu.ts';
import { density } from './workloads/density.ts';
import { disk } from './workloads/disk.ts';
import { memory } from './workloads/memory.ts';
import { network } from './workloads/network.ts';
import { rate } from './workloads/rate.ts';
import { start } from './workloads/start.ts';
import { syscalls } from './workloads/syscalls.ts';
import type { Workload } from './types/workload.ts';

export const workloads: readonly Workload[] = [
  start,
  rate,
  memory,
  density,
  cpu,
  syscalls,
  bandwidth,
  disk,
  network,
  app,
];
