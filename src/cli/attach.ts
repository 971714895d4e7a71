/** What ties a command in the foreground to this process: signals meant for it, and its terminal. */
import { endOfTerminal } from '../container/terminal.ts';
import type { Isolated } from '../isolation/isolation.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

/**
 * A first process ignores what it has no handler for, so that Ctrl-C may do nothing (pid_namespaces(7)): the third within
 * a second ends the command for good.
 */
export function forwardSignals(running: Pick<Isolated, 'kill'>): () => void {
  let interrupts: number[] = [];
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      interrupts =
        signal === 'SIGINT' ? [...interrupts, Date.now()].filter((time) => Date.now() - time < 1000) : interrupts;
      running.kill(interrupts.length >= 3 ? 'SIGKILL' : signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((forget) => forget());
}

/**
 * Every key goes to the command's terminal, which gives it its meaning; what appears there appears here.
 *
 * @returns what to do once the command has ended: its last words may still be on their way
 */
export async function bridgeTerminal(
  running: Pick<Isolated, 'openedTerminal' | 'resize'>,
  interactive: boolean,
): Promise<() => Promise<void>> {
  const terminal = await running.openedTerminal().catch(() => undefined);
  if (terminal === undefined) return async () => {};
  const ended = endOfTerminal(terminal);
  terminal.on('error', () => {}); // of a guest that is gone
  terminal.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  const resize = () => running.resize(process.stdout.columns, process.stdout.rows);
  process.on('SIGWINCH', resize);
  if (interactive) {
    process.stdin.setRawMode(true);
    process.stdin.on('data', (chunk: Buffer) => terminal.write(chunk));
  }
  return async () => {
    await ended();
    process.off('SIGWINCH', resize);
    if (!interactive) return;
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
}

export function windowSize(): { consoleSize?: { width: number; height: number } } {
  const { columns, rows } = process.stdout;
  return columns > 0 ? { consoleSize: { width: columns, height: rows } } : {};
}
