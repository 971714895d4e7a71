import { TareError } from '../errors.ts';

const units = ['', 'k', 'm', 'g', 't', 'p'];
const form = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i;

/**
 * Bytes of a size as Docker writes it: `1024`, `64m`, `1.5g`, `512KB`, `2GiB`. A kilobyte is always 1024 bytes.
 * Undefined where the text is no such size.
 */
export function readSize(size: number | string): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const [, digits, unit] = form.exec(size) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(digits) * 1024 ** units.indexOf(unit.toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** How a size is written, for messages. */
export const sizeForm = 'a number and one of b, k, m, g or t, such as 64m';

/**
 * Like `readSize`, for one value on its own.
 * @throws TareError that names the value and the form
 */
export function parseSize(size: number | string): number {
  const bytes = readSize(size);
  if (bytes === undefined) throw new TareError(`read the size '${size}'`, { hint: `write ${sizeForm}` });
  return bytes;
}
