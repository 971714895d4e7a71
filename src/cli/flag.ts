/** A command line as data: what a flag is called, how its value is written and where the value goes. */

/** What a value may depend on; handed in, so that parsing stays pure. */
export interface Context {
  /** Relative host paths start here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Says what is wrong with the value at hand, without naming the flag: `not a number`. */
export type Complain = (what: string) => void;

/** How one value is written. */
export interface Form<T> {
  /** Completes the words "expected …". */
  readonly expects: string;
  /** Undefined after a complaint, or where the value asks for nothing. */
  readonly read: (text: string, complain: Complain, context: Context) => T | undefined;
}

/** Where a value goes: `D` is the command that the flags fill in. */
export interface Landing<D> {
  readonly expects: string;
  readonly land: (draft: D, text: string, complain: Complain, context: Context) => void;
}

export interface Flag<D> {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** The value's placeholder in the help; a flag without one is a switch, which still takes `=false`. */
  readonly value?: string;
  /** Absent: once. `keys`: once for each KEY of its `KEY=VALUE`. */
  readonly repeats?: 'always' | 'keys';
  readonly help: string;
  readonly lands: Landing<D>;
}

export interface FlagGroup<D> {
  readonly title: string;
  readonly flags: readonly Flag<D>[];
}

/** A landing made of a form and an assignment. */
export const landing = <D, T>(form: Form<T>, assign: (draft: D, value: T) => void): Landing<D> => ({
  expects: form.expects,
  land: (draft, text, complain, context) => {
    const value = form.read(text, complain, context);
    if (value !== undefined) assign(draft, value);
  },
});
