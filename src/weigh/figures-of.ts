import { TareError } from '../errors.ts';
import type { Peer } from './types/backend.ts';
import type { Values } from './types/workload.ts';

/** Of a payload that measures itself: lines of a name and a number. */
export async function figuresOf(peer: Peer): Promise<Values> {
  const [run] = await peer.run(1);
  const lines = (run?.output ?? '').trim().split('\n');
  const figures = lines.map((line) => /^(\S+) (-?\d+(?:\.\d+)?)$/.exec(line));
  if (figures.includes(null))
    throw new TareError('read what the payload measured', { hint: `it wrote ${JSON.stringify(run?.output)}` });
  return Object.fromEntries(figures.map((found) => [found?.[1] ?? '', Number(found?.[2])]));
}
