/** How a container ended. */
import type { OomKills } from '../cgroup/stats.ts';
import type { ProcessExit } from '../launch/child.ts';

/** How a container ended, and what it used. */
export interface Exit {
  /** What a shell reports: the exit code, or 128 and the signal's number. */
  readonly exitCode: number;
  /** The payload's own exit code; `undefined` when a signal ended it. */
  readonly code: number | undefined;
  /** Such as `SIGKILL`; `undefined` when it exited by itself. */
  readonly signal: NodeJS.Signals | undefined;
  /** Memory ran out, and the kernel killed something in the container: how often, and whose limit it was. */
  readonly oom: OomKills | undefined;
  /** CPU time in microseconds, of the first process and those it has waited for. */
  readonly usage: { readonly user: number; readonly system: number };
  /** What it wrote, where that was collected (`run` with `stdio: 'pipe'`). */
  readonly stdout?: string;
  readonly stderr?: string;
}

export function exitOf(ended: ProcessExit, oom: OomKills | undefined): Exit {
  return {
    exitCode: ended.code ?? 128 + ended.signalNumber,
    code: ended.code,
    signal: ended.signal,
    oom: oom !== undefined && oom.kills > 0 ? oom : undefined,
    usage: { user: ended.usage.user, system: ended.usage.system },
  };
}
