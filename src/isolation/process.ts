/**
 * A process: a container without walls. Of its own it has a mount table, for that is what an image and volumes need; the
 * rest is the host's, as for any process.
 */
import { explainRun } from '../container/explain.ts';
import { launch } from '../container/run.ts';
import type { RunRequest } from '../spec/request.ts';
import { type Isolation, plainOptions } from './isolation.ts';
import { refuseUnfit } from './unfit.ts';

export const processIsolation: Isolation = {
  kind: 'process',
  start: (engine, options, how = {}) =>
    launch(engine, asProcess(plainOptions(options)), { ...how, waitForStart: false, stdio: options.stdio ?? 'pipe' }),
  explain: (engine, options) => explainRun(engine, asProcess(plainOptions(options))),
};

/** The same request, for a process. @throws SpecError that names all fields which make no sense for one */
export function asProcess<Request extends RunRequest>(request: Request): Request {
  refuseUnfit('process', request);
  return {
    ...request,
    privileged: true,
    namespaces: { pid: 'host', network: 'host', ipc: 'host', uts: 'host', cgroup: 'host' },
  };
}
