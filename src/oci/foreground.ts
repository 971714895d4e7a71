/** A process that we stay with: signals meant for it, its terminal, its exit code. */
import { openSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import { TareError } from '../errors.ts';
import type { Engine } from '../container/engine.ts';
import { endOfTerminal, nearSide } from '../container/terminal.ts';
import type { Child } from '../launch/child.ts';
import { data, ProgramBuilder } from '../launch/program.ts';
import { flags, IOCTL } from '../linux/flags.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

/** @returns what a shell would report */
export async function attend(engine: Engine, child: Child, terminal: number | undefined): Promise<number> {
  for (const signal of forwarded) process.on(signal, () => engine.spawner.kill(child, signal));
  const release = terminal === undefined ? async () => {} : holdTerminal(engine, terminal);
  const ended = await child.exited;
  await release();
  return ended.code ?? 128 + ended.signalNumber;
}

/** Keys go to the container's terminal, which gives them their meaning; what appears there appears here. */
function holdTerminal(engine: Engine, fd: number): () => Promise<void> {
  const own = ownTerminal();
  const keys = own === 0 ? process.stdin : new ReadStream(own);
  const terminal = nearSide(fd);
  const ended = endOfTerminal(terminal);
  terminal.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  const resize = (): void => copySize(engine, own, fd);
  resize();
  process.on('SIGWINCH', resize);
  keys.setRawMode(true);
  process.stdin.on('data', (chunk: Buffer) => terminal.write(chunk));
  return async () => {
    await ended();
    keys.setRawMode(false);
    process.stdin.pause();
  };
}

/** Of three streams that may be redirected one that is not; else the one that the session has all the same, as with runc. */
function ownTerminal(): number {
  const stream = [2, 1, 0].find((fd) => isatty(fd));
  if (stream !== undefined) return stream;
  try {
    return openSync('/dev/tty', 'r+');
  } catch (cause) {
    throw new TareError('use a terminal without one of our own', {
      hint: 'run it in a terminal, or give --console-socket',
      cause,
    });
  }
}

function copySize(engine: Engine, from: number, to: number): void {
  const b = new ProgramBuilder();
  const size = data('{size}', [{ u64: 0 }]);
  b.op('see how large our own terminal is', 'ioctl', [from, flags(IOCTL, 'TIOCGWINSZ'), size]);
  b.op('resize the terminal', 'ioctl', [to, flags(IOCTL, 'TIOCSWINSZ'), size]);
  engine.spawner.run({ ops: b.ops });
}
