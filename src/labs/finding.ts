/** What came of a check, in the three parts that every message has. */
export interface Finding {
  readonly passed: boolean;
  /** Completes "tested …": a question. */
  readonly tested: string;
  readonly expected: string;
  readonly saw: string;
}
