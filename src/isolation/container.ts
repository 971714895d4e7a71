import { explainRun } from '../container/explain.ts';
import { launch } from '../container/run.ts';
import { type Isolation, plainOptions } from './isolation.ts';

/** A container: namespaces, a cgroup, fewer capabilities and system calls; the kernel is the host's. */
export const containerIsolation: Isolation = {
  kind: 'container',
  start: (engine, options, how = {}) =>
    launch(engine, plainOptions(options), { ...how, waitForStart: false, stdio: options.stdio ?? 'pipe' }),
  explain: (engine, options) => explainRun(engine, plainOptions(options)),
};
