/** The terminal of a container that nobody of ours stays with: its master goes to whoever listens on `--console-socket`. */
import { closeSync } from 'node:fs';
import { TareError } from '../errors.ts';
import type { Engine } from '../container/engine.ts';
import { sendFile } from '../container/send-file.ts';

/** What is asked for, or why it makes no sense: a terminal needs somebody who holds it, a holder a terminal. */
export function checkConsole(terminal: boolean, socket: string | undefined): void {
  if (terminal && socket === undefined)
    throw new TareError('make a terminal for a container that is left alone', {
      hint: 'give --console-socket, or set process.terminal to false',
    });
  if (!terminal && socket !== undefined)
    throw new TareError('use --console-socket for a process without a terminal', {
      hint: 'leave it out, or set process.terminal to true',
    });
}

/** The message beside the file is its name, as runc has it. */
export function handOverTerminal(engine: Engine, socket: string, fd: number): void {
  try {
    sendFile(engine, 'terminal', socket, '/dev/ptmx', fd);
  } finally {
    closeSync(fd);
  }
}
