/** Where engines look for what went wrong: `--log FILE` in the form of runc's, a line for each message. */
import { appendFileSync } from 'node:fs';
import { TareError } from '../errors.ts';

export type Level = 'debug' | 'warning' | 'error';

export interface LogOptions {
  readonly file?: string;
  readonly format: 'text' | 'json';
  readonly debug: boolean;
}

export class Log {
  readonly #options: LogOptions;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  debug(text: string): void {
    if (this.#options.debug) this.#write('debug', text);
  }

  warn(text: string): void {
    this.#write('warning', text);
  }

  /** On standard error too: some engines listen there. */
  error(text: string): void {
    if (this.#options.file !== undefined) this.#write('error', text);
    process.stderr.write(`${text}\n`);
  }

  #write(level: Level, text: string): void {
    const { file, format } = this.#options;
    const time = new Date().toISOString();
    const line =
      format === 'json'
        ? JSON.stringify({ level, msg: text, time })
        : `time="${time}" level=${level} msg=${JSON.stringify(text)}`;
    if (file === undefined) {
      if (level !== 'warning' || this.#options.debug) process.stderr.write(`${line}\n`);
      return;
    }
    try {
      appendFileSync(file, `${line}\n`, { mode: 0o644 });
    } catch (cause) {
      process.stderr.write(`tare-oci: write to ${file}: ${(cause as NodeJS.ErrnoException).code}\n`);
    }
  }
}

/** What strerror(3) says of the errnos that engines look for in a message. */
const said: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  ENOEXEC: 'exec format error',
  EBUSY: 'device or resource busy',
};

/** An error in one line, with the words by which engines choose an exit code: 127 not found, 126 not executable. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof TareError)) return `an error in tare-oci itself: ${(error as Error).stack ?? String(error)}`;
  const { message, errno = '', exitCode, doing } = error;
  const command = /^execute ([^:]*)/.exec(doing)?.[1];
  if (exitCode === 127 && command !== undefined && !command.includes('/'))
    return `exec: ${JSON.stringify(command)}: executable file not found in $PATH: ${message}`;
  const words = exitCode === 126 ? 'permission denied' : said[errno];
  if (words === undefined) return message;
  return exitCode === 125 ? `${message}: ${words}` : `exec: ${JSON.stringify(command ?? '')}: ${words}: ${message}`;
}
