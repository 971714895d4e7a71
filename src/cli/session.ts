/** What a verb may touch of the process it runs in, so that tests can hand it something else. */
import { isatty } from 'node:tty';
import type { LogLevel } from './run-command.ts';
import type { Context } from './flag.ts';

export interface Session extends Context {
  /** To standard output: what was asked for. */
  readonly print: (text: string) => void;
  /** To standard error: what went wrong. */
  readonly complain: (text: string) => void;
  /** Settles when all of it has been written: a pipe takes 64 KiB at once. */
  readonly written: () => Promise<unknown>;
  /** Whether what is printed there may have colours: https://no-color.org. */
  readonly colours: (fd: 1 | 2) => boolean;
  /** Set by a verb as soon as it has read its flags; an error shows its causes at `debug` and `trace`. */
  logLevel: LogLevel;
}

export interface Verb {
  /** Reads `argv`, which follows the verb, does the work and returns the exit status. */
  readonly main: (argv: readonly string[], session: Session) => Promise<number>;
}

/** `process.stdout` and `process.stderr` cost 3 ms when first looked at, so that only a verb that prints pays for them. */
export function openSession(): Session {
  const { env } = process;
  const hasColours = (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  let written: Promise<unknown> = Promise.resolve();
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    if (stream.listenerCount('error') === 0) stream.on('error', endAtClosedPipe);
    written = Promise.all([written, new Promise<void>((resolve) => stream.write(text, () => resolve()))]);
  };
  return {
    cwd: workingDirectory(env),
    env,
    print: (text) => {
      write(process.stdout, text);
    },
    complain: (text) => {
      write(process.stderr, text);
    },
    written: () => written,
    colours: (fd) => hasColours && isatty(fd),
    logLevel: 'silent',
  };
}

/** One that was removed has no name any more: what is asked for relative to it fails, by the name that it had. */
function workingDirectory({ PWD }: NodeJS.ProcessEnv): string {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return PWD?.startsWith('/') === true ? PWD : '/';
  }
}

/** `tare explain … | head`: nobody reads on, so there is no more to do. 141 is what a shell reports of SIGPIPE. */
function endAtClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(141);
  throw error;
}
