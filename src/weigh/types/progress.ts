import type { QuestionName } from './question.ts';

/** What a weighing consists of, in this order: `harness`, `probe`, its questions, `follow`. */
export type Part = 'harness' | 'probe' | QuestionName | 'follow';

export interface Progress {
  readonly part: Part;
  /** `page cache warm` */
  readonly doing: string;
  /** Of all questions, from 0 to 1. */
  readonly done: number;
  /** So many are left for them: `at most` where a budget ends it, `about` where rounds do. */
  readonly left?: { readonly seconds: number; readonly as: 'at most' | 'about' };
}
