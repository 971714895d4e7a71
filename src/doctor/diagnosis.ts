/** What the doctor found: a list of facts about this machine and this user, each with what follows from it. */

/** In the order they are printed. */
export const groups = [
  'kernel',
  'isolation',
  'root filesystem',
  'resources',
  'security',
  'rootless',
  'virtual machines',
  'speed',
  'peers',
] as const;
export type Group = (typeof groups)[number];

/** `info`: neither good nor bad, not for this user to ask, or not examined. */
export type Verdict = 'yes' | 'no' | 'info';

export interface Diagnosis {
  readonly group: Group;
  readonly name: string;
  /** What tare uses it for. */
  readonly purpose: string;
  readonly verdict: Verdict;
  /** What was seen, in a line. */
  readonly fact: string;
  /** Of a `no`: what goes missing. */
  readonly lost?: string;
  /** Of a `no`: a command, or a fact to act on. */
  readonly cure?: string;
  /** Without it this user's containers do not start as they do by default. */
  readonly vital: boolean;
}

/** Whether containers start for this user, defaults and all. */
export const canRun = (diagnoses: readonly Diagnosis[]): boolean =>
  !diagnoses.some(({ vital, verdict }) => vital && verdict === 'no');
