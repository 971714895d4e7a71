/** A process that we stay with: signals meant for it, its terminal, its exit code. */
import { isatty } from 'node:tty';
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
  if (!isatty(0))
    throw new TareError('use a terminal without one of our own', {
      hint: 'run it in a terminal, or give --console-socket',
    });
  const terminal = nearSide(fd);
  const ended = endOfTerminal(terminal);
  terminal.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  const resize = () => setWindowSize(engine, fd, process.stdout.columns, process.stdout.rows);
  resize();
  process.on('SIGWINCH', resize);
  process.stdin.setRawMode(true);
  process.stdin.on('data', (chunk: Buffer) => terminal.write(chunk));
  return async () => {
    await ended();
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
}

function setWindowSize(engine: Engine, fd: number, columns: number, rows: number): void {
  const b = new ProgramBuilder();
  const size = data(`{rows: ${rows}, columns: ${columns}}`, [{ u16: rows }, { u16: columns }, { u32: 0 }]);
  b.op('resize the terminal', 'ioctl', [fd, flags(IOCTL, 'TIOCSWINSZ'), size]);
  engine.spawner.run({ ops: b.ops });
}
