/** What others have published, as data: a number stands beside ours only with what it counts, and where it was measured. */
import type { QuestionName, Unit } from './question.ts';
import type { Family } from './result.ts';

export interface Publication {
  /** `nsdi20` */
  readonly name: string;
  /** `Firecracker: Lightweight Virtualization for Serverless Applications` */
  readonly title: string;
  /** Who, where and when. */
  readonly by: string;
  readonly url: string;
  /** `not stated` where it is not. */
  readonly machine: string;
  /** How the numbers below were looked up, and what could not be. */
  readonly checked: string;
  readonly anchors: readonly Anchor[];
}

export interface Anchor {
  /** What was measured: `Firecracker, end to end`. */
  readonly subject: string;
  readonly family: Family;
  readonly question: QuestionName;
  /** Our measure that comes nearest. */
  readonly measure: string;
  /** In that measure's unit, or how many times as much as `to` has. */
  readonly value: number;
  readonly unit: Unit | 'times';
  readonly to?: Family;
  /** `median of 500` */
  readonly statistic: string;
  /** From what to what. */
  readonly definition: string;
  /** Why it cannot be read beside our number as if both were one race. */
  readonly differs: string;
  /** The table, file or sentence. */
  readonly place: string;
}
