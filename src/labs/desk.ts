/** What `tare lab`'s command line asks for, and what of the process it may touch. */
export interface LabCommand {
  /** Which action, and what follows it. */
  readonly words: readonly string[];
  /** The letter of an answer. */
  readonly answer?: string | undefined;
  readonly seed?: number;
  readonly json: boolean;
  readonly plain: boolean;
  /** For `run`: in the test machine. */
  readonly machine: boolean;
  /** For `lint`: try all steps out as well. */
  readonly play: boolean;
}

export interface Desk {
  readonly print: (text: string) => void;
  readonly columns: number;
  /** Undefined where standard output is no terminal. */
  readonly rows: number | undefined;
  readonly colours: boolean;
  /** In the shell of a guided session: its words are `lab check` and the like, and texts are read page by page. */
  readonly guided: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly uid: number;
  /** The XDG state directory. */
  readonly stateHome: string;
  /** Where `tare` is, as a command. */
  readonly bin: string;
  /** ` (did you mean start?)`, or nothing. */
  readonly didYouMean: (word: string, names: Iterable<string>) => string;
  /** Asks a person, and gives what they type; undefined where there is nobody. */
  readonly question: (prompt: string) => Promise<string | undefined>;
}
