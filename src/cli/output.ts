import { inspect } from 'node:util';
import pc from 'picocolors';
import { isTareError } from '../errors.ts';

export interface ErrorStyle {
  /** Show what each error was caused by, indented, and where an unexpected one was thrown. */
  readonly causes: boolean;
  readonly colours: boolean;
}

/** An error as the user reads it: `tare: start busybox: mount proc on /proc: EPERM (hint: …)`, and a line end. */
export function formatError(error: unknown, { causes, colours }: ErrorStyle): string {
  const { bold, dim, red } = pc.createColors(colours);
  const lines = [`${bold(red('tare:'))} ${printable(describe(error))}`];
  if (causes) lines.push(...causesOf(error).map((line) => dim(printable(line))));
  return `${lines.join('\n')}\n`;
}

function describe(error: unknown): string {
  if (!isTareError(error)) {
    return `an error in tare itself: ${messageOf(error)} (hint: --log-level debug shows where)`;
  }
  const { doing, hint, message } = error;
  return doing.includes('\n') && hint !== undefined ? `${doing}\nhint: ${hint}` : message;
}

function causesOf(error: unknown): string[] {
  const lines = isTareError(error) ? [] : stackOf(error, '  ');
  const seen = new Set([error]);
  let indent = '  ';
  for (let at = nextOf(error); at !== undefined && !seen.has(at); at = nextOf(at)) {
    seen.add(at);
    lines.push(`${indent}caused by ${messageOf(at)}`);
    if (!isTareError(at)) lines.push(...stackOf(at, indent));
    indent += '  ';
  }
  return lines;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : inspect(error));
const nextOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

function stackOf(error: unknown, indent: string): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => `${indent}${line.trim()}`);
}

/** A name from an image may hold escape sequences, which are not the terminal's to obey. */
const printable = (line: string): string =>
  line.replace(/(?!\n)\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
