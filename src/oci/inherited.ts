/** What a container's process has of its runtime's caller, and not of Node. Pure. */
import type { Process } from '../spec/spec.ts';

/** @param told by native/oci.c: `SOFT:HARD` of RLIMIT_NOFILE, which Node has raised for itself */
export function withFileLimit(process: Process, told: string | undefined): Process {
  const { rlimits = [] } = process;
  const [, soft, hard] = /^(\d{1,15}):(\d{1,15})$/.exec(told ?? '') ?? [];
  if (soft === undefined || rlimits.some(({ type }) => type === 'RLIMIT_NOFILE')) return process;
  return { ...process, rlimits: [...rlimits, { type: 'RLIMIT_NOFILE', soft: Number(soft), hard: Number(hard) }] };
}
