/**
 * Shapes: what a value of unknown origin must look like, as values that mirror the types of `spec.ts` and cannot
 * leave a field out. Reading reports whatever is wrong and returns what is sound, so that the checks that look at
 * several fields at once still run beside a fault elsewhere.
 */
import { didYouMean } from './nearest.ts';
import { pointer, problem } from './problem.ts';
import type { Problem } from './problem.ts';
import { UINT64_MAX } from './spec.ts';

/** What is left of a `T` when faulty parts are made undefined; items of lists keep their places. */
export type Sound<T> = T extends readonly (infer Item)[]
  ? readonly (Sound<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Sound<T[Key]> }
    : T;

export type Report = (found: Problem) => void;

/** Reads the value at a JSON pointer; undefined if none of it is sound. */
export type Shape<T> = (value: unknown, at: string, report: Report) => Sound<T> | undefined;

interface Needed<T> {
  readonly needed: Shape<T>;
}

/** A shape for each field, marked `required` exactly where the type has no question mark. */
type Fields<T> = {
  readonly [Key in keyof T]-?: undefined extends T[Key] ? Shape<NonNullable<T[Key]>> : Needed<T[Key]>;
};

/** A field that must be there. */
export const required = <T>(needed: Shape<T>): Needed<T> => ({ needed });

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** What a message calls a faulty value. */
export function described(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'number' ? String(value) : kindOf(value);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A string that may go to the kernel, which ends its strings at the first NUL. */
export const text: Shape<string> = (value, at, report) => {
  if (typeof value !== 'string') report(problem(at, `must be a string, not ${kindOf(value)}`));
  else if (value.includes('\0')) report(problem(at, 'must not hold a NUL'));
  else return value;
  return undefined;
};

/** A string of a certain form: `must` says which. */
export const matching =
  (form: RegExp, must: string): Shape<string> =>
  (value, at, report) => {
    const word = text(value, at, report);
    if (word === undefined || form.test(word)) return word;
    report(problem(at, `${must}, not '${word}'`));
    return undefined;
  };

export const path = matching(/./, 'must not be empty');
export const absolutePath = matching(/^\//, 'must be an absolute path');
/** CPUs or memory nodes as cpuset(7) lists them. */
export const idList = matching(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/, 'must be a list of numbers and ranges such as 0-2,7');

/** The same for a mask of bits, which has so many of them. */
export const bitList =
  (bits: number): Shape<string> =>
  (value, at, report) => {
    const list = idList(value, at, report);
    if (list === undefined || (list.match(/\d+/g) ?? []).every((number) => Number(number) < bits)) return list;
    report(problem(at, `must hold numbers below ${bits}, not '${list}'`));
    return undefined;
  };

/** What a list says, whose form has been checked: `0-2,7` → 0, 1, 2, 7. */
export const listedIds = (list: string): number[] =>
  list
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => first + index);
    });

export const flag: Shape<boolean> = (value, at, report) => {
  if (typeof value === 'boolean') return value;
  report(problem(at, `must be true or false, not ${kindOf(value)}`));
  return undefined;
};

/** A bound as a reader knows it: those of 64 bits are rounded when they are numbers. */
function boundText(bound: number): string {
  if (Math.abs(bound) <= Number.MAX_SAFE_INTEGER) return String(bound);
  return bound < 0 ? `-2^${Math.log2(-bound)}` : `2^${Math.log2(bound)} - 1`;
}

/** A whole number from `min` to `max`. */
export const integer =
  (min: number, max: number): Shape<number> =>
  (value, at, report) => {
    const isWhole = typeof value === 'number' && Number.isInteger(value);
    if (isWhole && value >= min && value <= max) return value;
    const range = `from ${boundText(min)} to ${boundText(max)}`;
    report(problem(at, `must be a whole number ${range}, not ${described(value)}`));
    return undefined;
  };

export const uint32 = integer(0, 2 ** 32 - 1);
export const int64 = integer(-(2 ** 63), 2 ** 63);
export const uint64 = integer(0, UINT64_MAX);

/** One of some words; `what` names them, such as `a seccomp action`. */
export const oneOf =
  <const Word extends string>(what: string, words: readonly Word[]): Shape<Word> =>
  (value, at, report) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word as Sound<Word>;
    const hint = typeof value === 'string' ? didYouMean(value, words) : '';
    const known = words.length > 8 ? '' : `: ${words.join(', ')}`;
    report(problem(at, `must be ${what}, not ${described(value)}${hint === '' ? known : hint}`));
    return undefined;
  };

export const listOf =
  <T>(item: Shape<T>): Shape<T[]> =>
  (value, at, report) => {
    if (Array.isArray(value)) {
      const items = value.map((each, index) => item(each, at + pointer(index), report));
      return items;
    }
    report(problem(at, `must be a list, not ${kindOf(value)}`));
    return undefined;
  };

/** An object whose names are free, within a form. */
export const mapOf =
  <T>(item: Shape<T>, { form, must } = { form: /./, must: 'must have a name' }): Shape<Record<string, T>> =>
  (value, at, report) => {
    if (isRecord(value)) {
      const read = Object.entries(value).map(([name, each]) => {
        const where = at + pointer(name);
        if (!form.test(name) || name.includes('\0')) report(problem(where, must));
        return [name, item(each, where, report)];
      });
      return Object.fromEntries(read) as Sound<Record<string, T>>;
    }
    report(problem(at, `must be an object, not ${kindOf(value)}`));
    return undefined;
  };

/** An object with known fields. Unknown ones are left out, as the spec asks ("Extensibility"), but for `refused`. */
export const objectOf =
  <T extends object>(fields: Fields<T>, refused: Readonly<Record<string, string>> = {}): Shape<T> =>
  (value, at, report) => {
    if (!isRecord(value)) {
      report(problem(at, `must be an object, not ${kindOf(value)}`));
      return undefined;
    }
    for (const [name, why] of Object.entries(refused)) {
      if (Object.hasOwn(value, name)) report(problem(at + pointer(name), why));
    }
    const sound: [string, unknown][] = [];
    for (const [name, field] of Object.entries(fields as Readonly<Record<string, Shape<unknown> | Needed<unknown>>>)) {
      const shape = typeof field === 'function' ? field : field.needed;
      // A field of the library's options may be there and undefined, as TypeScript has it; in JSON nothing is.
      if (value[name] !== undefined) sound.push([name, shape(value[name], at + pointer(name), report)]);
      else if (typeof field === 'object') report(problem(at + pointer(name), 'must be given'));
    }
    return Object.fromEntries(sound) as Sound<T>;
  };

/** The same where a name that is not known can only be a mistake. */
export const closedObjectOf = <T extends object>(fields: Fields<T>): Shape<T> => {
  const open = objectOf(fields);
  return (value, at, report) => {
    const names = Object.keys(fields);
    for (const name of isRecord(value) ? Object.keys(value) : []) {
      if (names.includes(name)) continue;
      report(problem(at + pointer(name), `must not be there: nothing has this name${didYouMean(name, names)}`));
    }
    return open(value, at, report);
  };
};
