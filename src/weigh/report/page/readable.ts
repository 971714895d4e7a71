/** Numbers with their units, in the unit in which a person would say them. */
import type { Unit } from '../../types/question.ts';
import { figure } from '../figures.ts';

/** Of one stored unit, how many are one of these. From the smallest. */
const ladders: Readonly<Partial<Record<Unit, readonly (readonly [unit: string, size: number])[]>>> = {
  ms: [
    ['ns', 1e-6],
    ['µs', 1e-3],
    ['ms', 1],
    ['s', 1e3],
  ],
  ns: [
    ['ns', 1],
    ['µs', 1e3],
    ['ms', 1e6],
    ['s', 1e9],
  ],
};

/** Read as it stands after a number: `550 per second`. */
const words: Readonly<Partial<Record<Unit, string>>> = { '1/s': '/s', instances: '' };

/** `740 µs`, `1.74 s`, `0.71 MiB`, `550/s`: with a space that does not break. */
export function readable(value: number, unit: Unit): string {
  const steps = ladders[unit];
  if (steps === undefined || value === 0) return joined(figure(value), words[unit] ?? unit);
  const [name, size] = steps.findLast(([, size]) => Math.abs(value) >= size) ?? steps[0] ?? [unit, 1];
  return joined(figure(value / size), name);
}

const joined = (number: string, unit: string): string =>
  unit === '' || unit.startsWith('/') ? `${number}${unit}` : `${number}\u00a0${unit}`;

/** `526×`, with as many digits as say something. */
export const times = (ratio: number): string => `${figure(ratio)}×`;
