import type { Logger } from 'pino';
import type { LogLevel } from './run-command.ts';

/** pino, to standard error; not even loaded (4 ms) unless asked for. */
export async function openLog(level: LogLevel): Promise<Logger | undefined> {
  if (level === 'silent') return undefined;
  const { pino } = await import('pino');
  return pino({ level, base: undefined }, pino.destination({ fd: 2, sync: true }));
}
