/** What `tare weigh`'s command line asks for, as it was written: names are looked up by `main.ts`. */
import type { Settings } from './result.ts';

export interface WeighCommand {
  /** Questions; with `compare`, at most one result file instead. */
  words: readonly string[];
  backends?: readonly string[];
  payload?: readonly string[];
  image?: string;
  runs?: number;
  /** A publication whose workloads are run: it names questions and backends. */
  suite?: string;
  effort: Settings['effort'];
  seed?: number;
  /** Where to write the result, by the name of its form: `json`, `csv`, `markdown`, `html`. */
  files: Record<string, string>;
  /** A result file of an earlier weighing. */
  compare?: string;
}

/** What the command may touch of the process it runs in. */
export interface Desk {
  /** The version of tare. */
  readonly tare: string;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly columns: number;
  /** Whether what is printed may have colours. */
  readonly color: boolean;
  /** Where somebody watches: else there is no progress to be seen. */
  readonly watched: NodeJS.WriteStream | undefined;
  /** Where results and raw samples are kept. */
  readonly archive: string;
  readonly signal: AbortSignal;
}
