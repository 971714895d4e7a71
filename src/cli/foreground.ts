/** A container in the foreground: its streams, its terminal and the signals meant for it. */
import { isatty } from 'node:tty';
import { TareError } from '../errors.ts';
import { Engine } from '../container/engine.ts';
import type { Container, LaunchOptions } from '../container/container.ts';
import type { Exit } from '../container/exit.ts';
import { launch } from '../container/run.ts';
import type { Stdio } from '../container/stdio.ts';
import { openNative } from '../linux/native.ts';
import type { RunCommand } from './run-command.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;

/** How long to stand still for a container that may end soon, in ms: signals that come meanwhile wait. */
const patience = 50;

export interface Foreground extends AsyncDisposable {
  readonly container: Container;
  readonly engine: Engine;
  /** Settles when the container and all that was made for it is gone. */
  readonly ended: Promise<Exit>;
}

export interface ForegroundOptions extends LaunchOptions {
  /** Where its standard output goes, without a terminal; our own unless said otherwise. */
  readonly outputFd?: number;
}

export async function startForeground(command: RunCommand, options: ForegroundOptions = {}): Promise<Foreground> {
  const { interactive, tty } = command;
  if (tty && interactive && !isatty(0))
    throw new TareError('use -i with -t', { hint: 'standard input is not a terminal: leave -t out' });
  const engine = new Engine(openNative(), false);
  const request = tty ? { ...command.request, terminal: true, ...windowSize() } : command.request;
  const streams: Stdio[] = tty
    ? ['ignore', 'ignore', 'ignore']
    : [interactive ? 'inherit' : 'ignore', options.outputFd ?? 'inherit', 'inherit'];
  const container = await launch(engine, request, { ...options, waitForStart: false, stdio: streams });
  const forget = forwardSignals(container);
  if (container.stops || !engine.spawner.attend(patience)) engine.spawner.listen();
  const restore = tty ? await bridgeTerminal(container, interactive) : () => {};
  return {
    container,
    engine,
    ended: container.exited.finally(() => {
      forget();
      restore();
    }),
    [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
  };
}

function windowSize(): { consoleSize?: { width: number; height: number } } {
  const { columns, rows } = process.stdout;
  return columns > 0 ? { consoleSize: { width: columns, height: rows } } : {};
}

/**
 * A first process ignores what it has no handler for, so that Ctrl-C may do nothing (pid_namespaces(7)): the third within
 * a second ends the container for good.
 */
function forwardSignals(container: Container): () => void {
  let interrupts: number[] = [];
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      interrupts =
        signal === 'SIGINT' ? [...interrupts, Date.now()].filter((time) => Date.now() - time < 1000) : interrupts;
      container.kill(interrupts.length >= 3 ? 'SIGKILL' : signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((forget) => forget());
}

/** Every key goes to the container's terminal, which gives it its meaning; what appears there appears here. */
async function bridgeTerminal(container: Container, interactive: boolean): Promise<() => void> {
  const terminal = await container.openedTerminal().catch(() => undefined);
  if (terminal === undefined) return () => {};
  terminal.on('error', () => {}); // EIO once nobody holds the other side: the end, as with any pty
  terminal.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  const resize = () => container.resize(process.stdout.columns, process.stdout.rows);
  process.on('SIGWINCH', resize);
  if (interactive) {
    process.stdin.setRawMode(true);
    process.stdin.on('data', (chunk: Buffer) => terminal.write(chunk));
  }
  return () => {
    process.off('SIGWINCH', resize);
    if (!interactive) return;
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
}
