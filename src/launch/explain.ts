/**
 * A program as text: every call, in order, with its reason. What is printed is what runs, so it cannot lie. Pure.
 *
 *     namespaces
 *      4  unshare(CLONE_NEWNS)                    make a mount table of its own
 *      9  $socket = socket(AF_INET, …)            open a socket to configure the network
 */
import type { Arg, Op, Program } from './program.ts';

/** What a start does, in order: programs, each with a word on who runs it, and rows of what else is set. */
export type Chapter = { readonly title?: string } & (
  { readonly program: Program } | { readonly rows: readonly (readonly [text: string, why: string])[] }
);

/** All that a start does. */
export interface Explanation {
  readonly chapters: readonly Chapter[];
  /** The same for a program to read. */
  readonly data: object;
}

export const explainChapters = (chapters: readonly Chapter[]): string =>
  chapters
    .map((chapter) => {
      const text = 'program' in chapter ? explain(chapter.program) : explainRows(chapter.rows);
      return chapter.title === undefined ? text : `${chapter.title}\n\n${text}`;
    })
    .join('\n');

/** Where the reasons of rows begin, in characters. */
const rowColumn = 40;

const explainRows = (rows: readonly (readonly [string, string])[]): string =>
  rows
    .map(([text, why]) =>
      text.length < rowColumn - 4
        ? `  ${text.padEnd(rowColumn - 2)}${why}\n`
        : `  ${text}\n${' '.repeat(rowColumn)}${why}\n`,
    )
    .join('');

export interface ExplainOptions {
  /** Where the reasons begin, in characters. */
  readonly column?: number;
}

export function explain(program: Program, options: ExplainOptions = {}): string {
  const { column = 72 } = options;
  const lines: string[] = [];
  let stage = '';
  program.ops.forEach((op, index) => {
    if (op.stage !== stage) lines.push(...(lines.length > 0 ? [''] : []), op.stage);
    stage = op.stage;
    const call = `${String(index).padStart(4)}  ${explainCall(op)}`;
    lines.push(call.length < column ? call.padEnd(column) + op.why : `${call}\n${' '.repeat(column)}${op.why}`);
  });
  return `${lines.join('\n')}\n`;
}

/** One call, as strace(1) would write it. */
export function explainCall(op: Op): string {
  const into = op.into === undefined ? '' : `$${op.into.name} = `;
  const args = op.args.map(explainArg).join(', ');
  const { allow: errnos = [] } = op;
  const allow =
    errnos.length === 0 ? '' : `  // or ${errnos.map((errno) => (errno === 0 ? 'none' : errno)).join(', ')}`;
  const skip = op.skip === undefined || op.skip === 0 ? '' : `: skip ${op.skip}`;
  return `${into}${op.call}(${args})${allow}${skip}`;
}

function explainArg(arg: Arg): string {
  if (typeof arg === 'string') return JSON.stringify(arg);
  if (typeof arg !== 'object') return String(arg);
  return arg.kind === 'cell' ? `$${arg.name}` : arg.text;
}
