import type { RunRequest } from '../spec/request.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What `tare run`'s command line asks for; the verbs that look at a start share it. */
export interface RunCommand {
  request: RunRequest;
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

export interface SweepCommand {
  help: boolean;
}

export interface VersionCommand {
  help: boolean;
}

export const emptyRun = (): RunCommand => ({
  request: { image: '' },
  envFiles: [],
  interactive: false,
  tty: false,
  rm: false,
  logLevel: 'silent',
  help: false,
});
