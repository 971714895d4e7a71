/**
 * The one error of tare: *doing what, to what: errno (hint: cure)*.
 *
 * Lower case, no full stop, so that errors read well when they are nested:
 * `start busybox: mount proc on /proc: EPERM (hint: needs a pid namespace of its own)`.
 */

/** What a shell would report: 125 tare itself failed, 126 not executable, 127 not found (docker-run(1), "Exit status"). */
export type FailureCode = 125 | 126 | 127;

/** What is known of a failure besides what was being done. */
export interface TareErrorOptions {
  /** The kernel's name for what went wrong, such as `ENOENT`. */
  errno?: string;
  /** The cure, as an imperative or a fact the reader can act on. */
  hint?: string;
  /** What the process that hit this error should exit with; 125 unless said otherwise. */
  exitCode?: FailureCode;
  cause?: unknown;
}

/** The one error of tare; its message reads *doing what, to what: errno (hint: cure)*. */
export class TareError extends Error {
  override readonly name = 'TareError';
  /** What was being done, to what. */
  readonly doing: string;
  readonly errno: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: FailureCode;

  constructor(doing: string, options: TareErrorOptions = {}) {
    const { errno, hint, exitCode = 125, cause } = options;
    const what = errno === undefined ? doing : `${doing}: ${errno}`;
    super(hint === undefined ? what : `${what} (hint: ${hint})`, cause === undefined ? undefined : { cause });
    this.doing = doing;
    this.errno = errno;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** By its name: `tare weigh` is a bundle of its own, with a class of its own. */
export const isTareError = (error: unknown): error is TareError => error instanceof Error && error.name === 'TareError';
