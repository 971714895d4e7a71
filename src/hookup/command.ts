import type { EngineName, Wish } from './hook-up.ts';

/** What `tare oci install` and `tare oci uninstall` ask for. */
export interface HookUpCommand extends Omit<Wish, 'runtime'> {
  readonly engine: EngineName;
  /** Absolute; our own where absent. */
  readonly runtime?: string;
  /** The directory that is taken for `/`. */
  readonly root: string;
  readonly undo: boolean;
  /** Shows what would be written, and writes nothing. */
  readonly dryRun: boolean;
}

export interface Desk {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}
