/** What differs from student to student, drawn from one number. */
import { createHash } from 'node:crypto';
import type { Lab, ValueRecipe } from './format.ts';

export type Values = Readonly<Record<string, string>>;

const animals =
  'otter heron badger lynx marten plover stoat curlew bison ibex osprey weasel dipper egret gecko jackal kestrel lemur merlin newt'.split(
    ' ',
  );

/** An even draw from 0 to below `count`, the same for the same words. */
function draw(count: number, ...words: readonly (string | number)[]): number {
  return createHash('sha256').update(words.join('\0')).digest().readUInt32BE(0) % count;
}

/** Four letters that tell one student's things on this machine from another's. */
export const tagOf = (seed: number): string => createHash('sha256').update(`tag ${seed}`).digest('hex').slice(0, 4);

/** A lab's values for the student of this seed. */
export function drawValues({ name, values }: Pick<Lab, 'name' | 'values'>, seed: number): Values {
  const drawn: Record<string, string> = {};
  for (const [key, recipe] of Object.entries(values)) drawn[key] = drawOne(recipe, [seed, name, key], drawn);
  return drawn;
}

function drawOne(recipe: ValueRecipe, from: readonly (string | number)[], before: Values): string {
  if ('word' in recipe) return `${animals[draw(animals.length, ...from)]}-${100 + draw(900, ...from, 'number')}`;
  if ('pick' in recipe) return String(recipe.pick[draw(recipe.pick.length, ...from)]);
  if ('of' in recipe) return String(Number(before[recipe.of]) * recipe.times + recipe.plus);
  const { from: first, to, step } = recipe;
  return String(first + step * draw(Math.floor((to - first) / step) + 1, ...from));
}

/** The host names among a lab's values: whoever bears one of them belongs to the lab. */
export const hostnamesOf = ({ values }: Pick<Lab, 'values'>, drawn: Values): readonly string[] =>
  Object.entries(values).flatMap(([name, recipe]) => ('word' in recipe ? [drawn[name] ?? ''] : []));
