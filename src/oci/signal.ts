import { constants } from 'node:os';
import { TareError } from '../errors.ts';

/** Such as `15`, `TERM` or `SIGTERM`. */
export function signalNumber(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const number = /^\d+$/.test(text)
    ? Number(text)
    : (realTime(name) ?? (constants.signals as Record<string, number>)[name]);
  if (number !== undefined && number >= 0 && number <= 64) return number;
  throw new TareError(`send the signal ${JSON.stringify(text)}: unknown signal`, { hint: 'see kill -l' });
}

/** signal(7): `SIGRTMIN+2`, `SIGRTMAX`. */
function realTime(name: string): number | undefined {
  const [, end, sign = '+', steps = '0'] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  const number = (end === 'MIN' ? 34 : 64) + (sign === '+' ? 1 : -1) * Number(steps);
  return number >= 34 && number <= 64 ? number : undefined;
}
