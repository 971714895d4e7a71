/**
 * Whose something on the host is, in words that hold until the next boot: `PID STARTTIME PIDNS TIMENS`, where pids alone come
 * around again. tare-replay fills them up with spaces (native/record.h, `OWNER_LENGTH`).
 */
import { readFileSync, readlinkSync } from 'node:fs';

/** This process, as other processes can tell it from every other. */
export function describeSelf(): string {
  return `${startedAt('self') ?? ''} ${world()}`;
}

/**
 * Whether that process still runs. Pids mean nothing in another pid namespace, and start times are others in another time
 * namespace (time_namespaces(7)): of a process of another world nothing is known, and it counts as alive.
 */
export function isAlive(owner: string): boolean {
  const [pid = '', time = '', ...theirs] = owner.trimEnd().split(' ');
  if (theirs.join(' ') !== world()) return true;
  return startedAt(pid) === `${pid} ${time}`;
}

/** proc_pid_stat(5): pid and start time; undefined for a process that has ended. */
export function startedAt(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and parentheses.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? undefined : `${stat.slice(0, stat.indexOf(' '))} ${rest[18]}`;
  } catch {
    return undefined;
  }
}

/** The namespaces in which pids and start times mean what they mean here: `PIDNS TIMENS`. */
export const world = (): string => ['pid', 'time'].map((kind) => namespace(kind)).join(' ');

/** The number of one of our namespaces; 0 where the kernel has none of this kind. */
function namespace(kind: string): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
