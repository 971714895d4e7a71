/** What can be asked, in the order in which a report answers it. */
import { rate } from './workloads/rate.ts';
import { start } from './workloads/start.ts';
import type { Workload } from './types/workload.ts';

export const workloads: readonly Workload[] = [start, rate];
