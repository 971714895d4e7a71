/** What `redis-benchmark --csv` writes. Pure. */
import { TareError } from '../../errors.ts';

/** Requests per second, by the name of the command. @throws TareError where the text is none of its tables */
export function requestRates(text: string): ReadonlyMap<string, number> {
  const [head = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => [...line.matchAll(/"([^"]*)"/g)].map((found) => found[1] ?? ''));
  const [name, rate] = [head.indexOf('test'), head.indexOf('rps')];
  const rates = rows.map((row): [string, number] => [row[name] ?? '', Number(row[rate])]);
  if (name < 0 || rate < 0 || rates.length === 0 || rates.some(([test, per]) => test === '' || !(per > 0)))
    throw new TareError('read what redis-benchmark measured', {
      hint: `it wrote ${JSON.stringify(text.slice(-300))}`,
    });
  return new Map(rates);
}
