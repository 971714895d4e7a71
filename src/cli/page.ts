/** What the help of a verb says. */
import type { FlagGroup } from './flag.ts';

export interface Page {
  /** The chapter of `tare --help` that lists it, and what it says there. */
  readonly group: string;
  readonly summary: string;
  readonly usage: string;
  readonly about: string;
  readonly groups: readonly Pick<FlagGroup<never>, 'title' | 'flags'>[];
  /** Verbs of its own, with a page each: `tare vm snapshot`. */
  readonly actions?: Readonly<Record<string, Omit<Page, 'group'>>>;
  readonly examples: readonly (readonly [command: string, what: string])[];
}
