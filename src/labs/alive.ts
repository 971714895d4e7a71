/** Whether the process that left its mark still runs. A pid comes around again: with the start time, in ticks since this boot, it does not. */
import { readFileSync } from 'node:fs';

/** Of this boot of the machine. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** `PID STARTTIME BOOT` of this process. */
export const self = (): string => `${process.pid} ${startTime(process.pid) ?? ''} ${bootId()}`;

export function isAlive(mark: string): boolean {
  const [pid = '', time, boot] = mark.split(' ');
  return boot === bootId() && time !== undefined && startTime(Number(pid)) === time;
}

export const isOfOtherBoot = (mark: string): boolean => mark.split(' ')[2] !== bootId();

/** The 22nd field of proc_pid_stat(5); the second may hold spaces and parentheses. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
