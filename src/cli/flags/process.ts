import { type Flag, landing } from '../flag.ts';
import { octal } from '../forms/numbers.ts';
import { absolutePath, entrypoint, hostPath, matching, truth, variable } from '../forms/words.ts';
import { append, set, turn } from '../landings.ts';
import type { RunCommand } from '../run-command.ts';

export const processFlags: readonly Flag<RunCommand>[] = [
  { name: 'interactive', short: 'i', help: 'Keep standard input open.', lands: turn('interactive') },
  {
    name: 'tty',
    short: 't',
    help: 'Give the command a terminal of its own.',
    lands: landing(truth, (command, value) => {
      command.tty = value;
      command.request.terminal = value;
    }),
  },
  {
    name: 'env',
    short: 'e',
    value: 'NAME[=VALUE]',
    repeats: 'always',
    help: 'Set a variable, or hand on our own.',
    lands: append('env', variable),
  },
  {
    name: 'env-file',
    value: 'FILE',
    repeats: 'always',
    help: 'Read variables from a file, one a line.',
    lands: landing(hostPath, (command, path) => {
      command.envFiles = [...command.envFiles, path];
    }),
  },
  { name: 'workdir', short: 'w', value: 'DIR', help: 'Start in this directory.', lands: set('cwd', absolutePath) },
  {
    name: 'user',
    short: 'u',
    value: 'USER[:GROUP]',
    help: "A user of the image's own passwd, or an id.",
    lands: set('user', matching(/^[^:\s]+(:[^:\s]+)?$/, 'USER[:GROUP], names or ids')),
  },
  {
    name: 'group-add',
    value: 'GROUP',
    repeats: 'always',
    help: 'Join one more group.',
    lands: append('groupAdd', matching(/^[^:\s]+$/, 'the name or id of a group')),
  },
  { name: 'umask', value: 'MODE', help: 'Set the file mode creation mask.', lands: set('umask', octal) },
  {
    name: 'entrypoint',
    value: 'PROGRAM',
    help: "Replace the image's entry point; empty: none.",
    lands: set('entrypoint', entrypoint),
  },
  {
    name: 'init',
    help: 'A pid 1 that reaps and passes on signals.',
    lands: set('init', truth),
  },
];
