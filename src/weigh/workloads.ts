/** What can be asked, in the order in which a report answers it. */
import { bandwidth } from './workloads/bandwidth.ts';
import { cpu } from './workloads/cpu.ts';
import { density } from './workloads/density.ts';
import { memory } from './workloads/memory.ts';
import { rate } from './workloads/rate.ts';
import { start } from './workloads/start.ts';
import { syscalls } from './workloads/syscalls.ts';
import type { Workload } from './types/workload.ts';

export const workloads: readonly Workload[] = [start, rate, memory, density, cpu, syscalls, bandwidth];
