/** A question: the student predicts, then this machine is asked. */
import { TareError } from '../index.ts';
import { type Script, runScript } from './command.ts';
import type { Ask } from './format.ts';

export interface Reply {
  readonly chosen: string;
  /** What was measured. */
  readonly figure: number;
  /** What the measurement printed before. */
  readonly output: string;
  /** The letter that the figure makes right. */
  readonly rightly: string;
  readonly right: boolean;
}

/** @throws TareError where there is no such answer */
export function refuseUnknown({ options }: Ask, chosen: string): void {
  if (Object.hasOwn(options, chosen)) return;
  throw new TareError(`answer ${chosen}: no such answer`, { hint: `it is one of ${Object.keys(options).join(', ')}` });
}

/** @throws TareError where the measurement says no number */
export async function reply({ options, measure }: Ask, chosen: string, script: Omit<Script, 'text'>): Promise<Reply> {
  const { output, status } = await runScript({ text: measure, ...script });
  const lines = output.trimEnd().split('\n');
  const last = lines.pop() ?? '';
  const figure = Number(last);
  if (status !== 0 || last === '' || Number.isNaN(figure))
    throw new TareError(`measure: it ended with ${status} and ${JSON.stringify(last)}, where a number was expected`, {
      hint: 'tare lab reset brings the host back; then try again',
    });
  const rightly =
    Object.entries(options).find(([, { min = -Infinity, below = Infinity }]) => figure >= min && figure < below)?.[0] ??
    '';
  return { chosen, figure, output: lines.join('\n'), rightly, right: chosen === rightly };
}
