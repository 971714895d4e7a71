import { TareError } from '../errors.ts';

/** One thing that is wrong with a document, and where. */
export interface Problem {
  /** JSON pointer (RFC 6901) into the document; empty for the whole of it. */
  readonly pointer: string;
  /** What the value there must be or do, and the cure: `must hold at least one word`. */
  readonly must: string;
}

/** A JSON pointer from its parts; a part is a property's name or an index. */
export function pointer(...parts: readonly (string | number)[]): string {
  let text = '';
  for (const part of parts) text += `/${typeof part === 'string' ? escaped(part) : part}`;
  return text;
}

function escaped(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}

export const problem = (at: string, must: string): Problem => ({ pointer: at, must });

/** Everything that is wrong with a spec or a request, a line each. */
export class SpecError extends TareError {
  readonly problems: readonly Problem[];

  /** @param doing what found the problems, such as `check the spec` */
  constructor(doing: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const lines = problems.map(({ pointer: at, must }) => `\n  ${at === '' ? 'the whole of it' : at}: ${must}`);
    super(`${doing}: ${count}${lines.join('')}`);
    this.problems = problems;
  }
}
