import { TareError } from '../errors.ts';
import type { Peer } from './types/backend.ts';
import type { Values } from './types/workload.ts';

/** Of a payload that measures itself: what it wrote. */
export async function outputOf(peer: Peer): Promise<string> {
  const [run] = await peer.run(1);
  return run?.output ?? '';
}

/** Of one that writes nothing but lines of a name and a number. */
export const figuresOf = async (peer: Peer): Promise<Values> => readFigures(await outputOf(peer));

/** @throws TareError where another line is among them */
export function readFigures(output: string): Values {
  const figures = output
    .trim()
    .split('\n')
    .map((line) => /^(\S+) (-?\d+(?:\.\d+)?)$/.exec(line));
  if (figures.includes(null))
    throw new TareError('read what the payload measured', { hint: `it wrote ${JSON.stringify(output)}` });
  return Object.fromEntries(figures.map((found) => [found?.[1] ?? '', Number(found?.[2])]));
}
