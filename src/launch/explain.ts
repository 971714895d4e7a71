/**
 * A program as text: every call, in order, with its reason. What is printed is what runs, so it cannot lie. Pure.
 *
 *     namespaces
 *      4  unshare(CLONE_NEWNS)                    make a mount table of its own
 *      9  $socket = socket(AF_INET, …)            open a socket to configure the network
 */
import type { Arg, Op, Program } from './program.ts';

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
