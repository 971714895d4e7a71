/** What the shape of a lab cannot say, and would go wrong in front of a student. */
import { placeholders } from './fill.ts';
import type { Lab, Step } from './format.ts';
import { isNeed } from './needs.ts';
import { placeNames } from './place.ts';

interface Misuse {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

/** So wide may a line be that is shown as it is: a command, say. */
const widest = 76;

export function misuses(lab: Lab): readonly Misuse[] {
  return [
    ...unknownPlaceholders(lab),
    ...unknownNeeds(lab.needs, []),
    ...lab.steps.flatMap(({ needs }, index) => unknownNeeds(needs, ['steps', index])),
    ...(lab.steps.every(({ needs }) => needs.length > 0)
      ? [{ path: ['steps'], what: 'every step has needs of its own: a lab must have one that is never left out' }]
      : []),
    ...valuesOfNothing(lab),
    ...twice(lab.steps),
    ...lab.steps.flatMap((step, index) => wideLines(step, ['steps', index])),
    ...lab.steps.flatMap((step, index) => hereDocuments(step, ['steps', index])),
    ...lab.steps.flatMap((step, index) => openQuestions(step, ['steps', index, 'ask'])),
  ];
}

const unknownNeeds = (needs: readonly string[], path: readonly (string | number)[]): Misuse[] =>
  needs.flatMap((need, index) =>
    isNeed(need) ? [] : [{ path: [...path, 'needs', index], what: `${need}: not a need that is known` }],
  );

function unknownPlaceholders(lab: Lab): Misuse[] {
  const known = new Set([...Object.keys(lab.values), ...placeNames]);
  return lab.steps.flatMap((step, index) =>
    [...placeholders(step)]
      .filter((name) => !known.has(name) && !(step.ask !== undefined && name === 'figure'))
      .map((name) => ({ path: ['steps', index], what: `{{${name}}}: no value of that name` })),
  );
}

/** A value is made of an earlier one. */
function valuesOfNothing({ values }: Lab): Misuse[] {
  const names = Object.keys(values);
  return Object.entries(values).flatMap(([name, recipe], index) =>
    'of' in recipe && !names.slice(0, index).includes(recipe.of)
      ? [{ path: ['values', name], what: `${name}: ${recipe.of} is no earlier value` }]
      : [],
  );
}

function twice(steps: readonly Step[]): Misuse[] {
  return steps.flatMap(({ name }, index) =>
    steps.findIndex((step) => step.name === name) === index
      ? []
      : [{ path: ['steps', index, 'name'], what: `${name}: an earlier step has this name` }],
  );
}

/** It is shown indented, and so is its end: whoever pastes it waits for ever. */
const hereDocuments = ({ say, hint }: Step, path: readonly (string | number)[]): Misuse[] =>
  Object.entries({ say, hint })
    .filter(([, text]) => /^ {4}.*<<[^-]/m.test(text))
    .map(([key]) => ({
      path: [...path, key],
      what: 'a here-document, which does not end when it is pasted from here',
    }));

function wideLines({ say, hint, solution }: Step, path: readonly (string | number)[]): Misuse[] {
  return Object.entries({ say, hint, solution }).flatMap(([key, text]) =>
    text
      .split('\n')
      .filter((line) => (key === 'solution' || line.startsWith('    ')) && line.length > widest)
      .map((line) => ({ path: [...path, key], what: `wider than ${widest} characters: ${line.trim()}` })),
  );
}

/** Whatever is measured, one answer must be right: the ranges follow one another from the smallest to the largest. */
function openQuestions({ ask }: Step, path: readonly (string | number)[]): Misuse[] {
  if (ask === undefined) return [];
  const options = Object.values(ask.options);
  if (options.length < 2) return [{ path, what: 'a question has two answers at least' }];
  const sorted = options.toSorted((one, other) => (one.min ?? -Infinity) - (other.min ?? -Infinity));
  const ends = sorted[0]?.min !== undefined || sorted.at(-1)?.below !== undefined;
  const gap = sorted.some((option, index) => index > 0 && option.min !== sorted[index - 1]?.below);
  return ends || gap
    ? [{ path, what: 'the answers leave room between them: each min must be the below of another, but two' }]
    : [];
}
