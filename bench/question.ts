/** What is asked of a benchmark, and how the asking can be tuned. */

export interface Settings {
  /** How often each peer is sampled, or whatever a question counts; each has its own default. */
  readonly rounds: number | undefined;
  /** Containers alive at once, in `scale`. */
  readonly alive: number;
}

export interface Question {
  readonly name: string;
  /** As a reader would ask it. */
  readonly asks: string;
  /** Prints tables; what it returns is kept as NDJSON, a line for each sample. */
  answer(settings: Settings): Promise<readonly object[]>;
}
