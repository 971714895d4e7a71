/** A result file, as far as it can be known that it is one. */
import { readFileSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { format, version, type Weighing } from './types/result.ts';

/** @throws TareError that says what the file is instead */
export function readWeighing(path: string): Weighing {
  const doing = `read the weighing ${path}`;
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new TareError(doing, { ...(errno === undefined ? { hint: 'it is not JSON' } : { errno }), cause });
  }
  const weighing = (typeof found === 'object' && found !== null ? found : {}) as Partial<Weighing>;
  if (weighing.format !== format) throw new TareError(doing, { hint: 'it was not written by tare weigh --json' });
  if (weighing.version !== version)
    throw new TareError(doing, {
      hint: `it has version ${String(weighing.version)}, and this tare reads version ${version}`,
    });
  if (!Array.isArray(weighing.questions) || !Array.isArray(weighing.backends))
    throw new TareError(doing, { hint: 'it has no questions: it was cut off or changed' });
  return weighing as Weighing;
}
