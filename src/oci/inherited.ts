/** What a container's process, and a hook, have of their runtime's caller, and not of Node or of the front end. Pure. */
import type { Process } from '../spec/spec.ts';

/** @param told by native/oci.c: `SOFT:HARD` of RLIMIT_NOFILE, which Node has raised for itself */
export function withFileLimit(process: Process, told: string | undefined): Process {
  const { rlimits = [] } = process;
  const [, soft, hard] = /^(\d{1,15}):(\d{1,15})$/.exec(told ?? '') ?? [];
  if (soft === undefined || rlimits.some(({ type }) => type === 'RLIMIT_NOFILE')) return process;
  return { ...process, rlimits: [...rlimits, { type: 'RLIMIT_NOFILE', soft: Number(soft), hard: Number(hard) }] };
}

/**
 * sd_listen_fds(3): a service manager that hands sockets to the runtime means the container, whose first process is 1 to itself.
 *
 * @param count how many sockets, from fd 3 on
 */
export function withListenFds(process: Process, count: number): Process {
  if (count === 0) return process;
  const others = (process.env ?? []).filter((variable) => !/^LISTEN_(FDS|PID)=/.test(variable));
  return { ...process, env: [...others, `LISTEN_FDS=${count}`, 'LISTEN_PID=1'] };
}

/** The caller's variables, as execve(2) takes them, without what native/oci.c tells us by some of its own. */
export const inheritedEnvironment = (variables: NodeJS.ProcessEnv): string[] =>
  Object.entries(variables).flatMap(([name, value]) => (name.startsWith('TARE_OCI_') ? [] : [`${name}=${value}`]));
