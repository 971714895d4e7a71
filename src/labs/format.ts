/**
 * What a lab is: one file of YAML under `exercises/`, or a teacher's own. docs/labs.md has the same for people; this is what
 * is held against a file, and `z.infer` makes the types of it.
 */
import * as z from 'zod';
import { checkShape } from './checks.ts';

/** `namespaces(7)` */
const manPage = z.string().regex(/^[\w.-]+\([1-8]\)$/, 'a man page such as unshare(1)');

/** `otter-417`; one of a list; a whole number of a range; another value times a factor, or plus a number. */
const valueShape = z.union([
  z.strictObject({ word: z.literal('host') }),
  z.strictObject({ pick: z.array(z.union([z.string(), z.number()])).min(2) }),
  z.strictObject({ from: z.int(), to: z.int(), step: z.int().positive().default(1) }),
  z.strictObject({ of: z.string(), times: z.number().default(1), plus: z.int().default(0) }),
]);

const text = z.string().min(1);
const checks = z.array(checkShape).min(1);

/** A wrong but plausible attempt: how it is made, how it is recognized, and what is then said. */
const mistakeShape = z.strictObject({
  what: text,
  /** The attempt, as bash takes it. */
  try: text,
  /** If all of these pass, this was it. */
  when: checks.optional(),
  /** What the student is told then; without `when`, what the check itself says of it. */
  say: text,
});

/** An answer that is right if the measured figure is at least `min` and less than `below`. */
const optionShape = z.strictObject({ text, min: z.number().optional(), below: z.number().optional() });

const askShape = z.strictObject({
  question: text,
  /** By letter. */
  options: z.record(z.string().regex(/^[a-z]$/, 'a letter'), optionShape),
  /** Run after the answer, as bash takes it. What it prints is shown; its last line, a number, is the figure. */
  measure: text,
  /** Says what the figure means; `{{figure}}` is the number. */
  explain: text,
});

const stepShape = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]+$/, 'small letters, digits and -'),
    title: text,
    /** Of this step alone: where they are unmet it is left out, and the lab says so. */
    needs: z.array(z.string()).default([]),
    /** It takes up nothing that the steps before it have left: so it is played without them. */
    alone: z.boolean().default(false),
    say: text,
    check: checks.optional(),
    ask: askShape.optional(),
    hint: text,
    solution: text,
    mistakes: z.array(mistakeShape).default([]),
  })
  .refine(({ check, ask }) => check !== undefined || ask !== undefined, 'a step has a check, an ask, or both');

export const labShape = z.strictObject({
  /** That of a directory beside `busybox`. */
  name: z.string().regex(/^(?!busybox$)[a-z0-9-]+$/, 'small letters, digits and -, and not busybox'),
  /** Of the project's own. */
  number: z.int().positive().optional(),
  title: text,
  minutes: z.int().positive(),
  about: text,
  teaches: z.array(manPage).min(1),
  needs: z.array(z.string()).default([]),
  values: z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/, 'a name of letters and digits'), valueShape).default({}),
  /** Run at the start, as bash takes it: what the student finds. It may run more than once. */
  prepare: text.optional(),
  steps: z.array(stepShape).min(1),
  /** What you have seen. */
  seen: text,
  /** Who does the same thing, and where. */
  elsewhere: z.record(text, text),
});

export type Lab = z.infer<typeof labShape>;
export type Step = Lab['steps'][number];
export type Ask = z.infer<typeof askShape>;
export type ValueRecipe = z.infer<typeof valueShape>;
