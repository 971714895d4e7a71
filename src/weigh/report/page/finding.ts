/** A sentence or two of what the numbers mean. */
export interface Finding {
  /** What it is about: `A container beside a virtual machine`. */
  readonly title: string;
  /** In large letters: `526× faster`. */
  readonly figure: string;
  /** Reads on from the figure: `faster starts a container …` */
  readonly claim: string;
  /** A sentence each. */
  readonly because: readonly string[];
}
