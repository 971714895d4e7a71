import { type Flag, landing } from '../flag.ts';
import { matching, oneOf } from '../forms/words.ts';
import { entry, set, turn } from '../landings.ts';
import { logLevels, type RunCommand } from '../run-command.ts';

const logLevel: Flag<RunCommand> = {
  name: 'log-level',
  value: 'LEVEL',
  help: 'Log to standard error: trace, debug, info, warn, error or silent (the default).',
  lands: landing(oneOf(...logLevels), (command, level) => {
    command.logLevel = level;
  }),
};

export const helpFlag: Flag<{ help: boolean }> = { name: 'help', help: 'Print this page.', lands: turn('help') };

export const otherFlags: readonly Flag<RunCommand>[] = [
  {
    name: 'name',
    value: 'NAME',
    help: 'Name the container; made up otherwise.',
    lands: set(
      'name',
      matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'letters, digits, _, . and -, a letter or digit first'),
    ),
  },
  { name: 'rm', help: 'Leave nothing behind at the end.', lands: turn('rm') },
  {
    name: 'annotation',
    value: 'KEY=VALUE',
    repeats: 'keys',
    help: "Add to the spec's annotations.",
    lands: entry('annotations', 'KEY=VALUE'),
  },
  logLevel,
  helpFlag,
];
