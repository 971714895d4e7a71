import { constants } from 'node:os';

/** How a payload ended, as a shell would report it: its own code, or 128 and the signal's number. */
export const exitStatus = (exit: { code: number | undefined; signal: NodeJS.Signals | undefined }): number =>
  exit.signal === undefined ? (exit.code ?? 0) : 128 + constants.signals[exit.signal];
