/** What sysbench 1.0 writes: one text for all of its tests. Pure. */
import { TareError } from '../../errors.ts';

/** @throws TareError where the text does not say */
export function eventsPerSecond(text: string): number {
  const found = /^ *events per second: +(\d+\.\d+)$/m.exec(text)?.[1];
  if (found === undefined)
    throw new TareError('read what sysbench measured', { hint: `it wrote ${JSON.stringify(text.slice(-300))}` });
  return Number(found);
}
