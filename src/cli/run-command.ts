import type { IsolationKind } from '../isolation/isolation.ts';
import type { RunRequest } from '../spec/request.ts';
import type { MachineRequest } from '../vm/request.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What `tare run`'s command line asks for; the verbs that look at a start share it. */
export interface RunCommand {
  request: RunRequest;
  isolation: IsolationKind;
  /** Of a virtual machine. */
  machine: MachineRequest;
  /** Files of variables, in order, that `request.env` overrides: see `readEnvFile`. */
  envFiles: readonly string[];
  interactive: boolean;
  tty: boolean;
  rm: boolean;
  logLevel: LogLevel;
  help: boolean;
}

export interface ExplainCommand extends RunCommand {
  json: boolean;
  /** Two starts are to be compared. */
  diff: boolean;
}

export interface TraceCommand extends RunCommand {
  json: boolean;
  /** Where to draw the waterfall. */
  svg: string | undefined;
}

export interface StepCommand extends RunCommand {
  /** No colours and no cursor movements, for a log or a pipe. */
  plain: boolean;
}

export interface DoctorCommand {
  json: boolean;
  help: boolean;
}

export interface ListCommand {
  json: boolean;
  help: boolean;
}

export interface InspectCommand extends RunCommand {
  json: boolean;
}

export interface PruneCommand {
  /** Days. */
  unused: number;
  all: boolean;
  help: boolean;
}

export interface SweepCommand {
  help: boolean;
}

export interface VersionCommand {
  help: boolean;
}

export const emptyRun = (): RunCommand => ({
  request: { image: '' },
  isolation: 'container',
  machine: {},
  envFiles: [],
  interactive: false,
  tty: false,
  rm: false,
  logLevel: 'silent',
  help: false,
});
