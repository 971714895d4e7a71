/** A peer that is a command: most of them are. */
import { joining } from './job.ts';
import { descendantsOf, commandLineOf } from './processes.ts';
import { Stopwatch, type StopwatchOptions } from './stopwatch.ts';
import type { Job, Peer, Site } from './types/backend.ts';

export type CommandOptions = Omit<StopwatchOptions, 'signal'>;

/** @param command in which `{}` is a name for the instance, new for each */
export function commandPeer(command: readonly string[], job: Job, site: Site, options: CommandOptions): Peer {
  const within = [...joining(job), ...(options.within ?? [])];
  return peerOf(new Stopwatch(command, { ...options, within, signal: site.signal }), job);
}

export function peerOf(stopwatch: Stopwatch, job: Job): Peer & Required<Pick<Peer, 'hold' | 'processes'>> {
  return {
    run: async (count) => stopwatch.run(count),
    hold: async () => stopwatch.hold(),
    processes: () => {
      const payload: number[] = [];
      const helpers: number[] = [];
      for (const pid of descendantsOf(stopwatch.pid)) (isPayload(pid, job) ? payload : helpers).push(pid);
      return { payload, helpers };
    },
    [Symbol.asyncDispose]: async () => stopwatch[Symbol.asyncDispose](),
  };
}

/** A helper may have the payload's words among its own, but not as its own. */
function isPayload(pid: number, { payload }: Job): boolean {
  return commandLineOf(pid).join('\0') === payload.join('\0');
}
