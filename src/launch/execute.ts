/** The last steps: signals as a program expects them, and execve(2). */
import { flags, SIG_SET } from '../linux/flags.ts';
import { data, strings } from './program.ts';
import type { Stage } from './stage.ts';

/** Ignored signals stay ignored across execve, and Node ignores some; all are blocked since before clone3. */
export function resetSignals({ b, facts }: Stage): void {
  const byDefault = data('{SIG_DFL}', [{ u64: 0 }, { u64: 0 }, { u64: 0 }, { u64: 0 }]);
  for (const signal of facts.ignoredSignals)
    b.op(`handle signal ${signal} as if nobody had ignored it`, 'rt_sigaction', [signal, byDefault, 0, 8]);
  const none = data('{}', [{ u64: 0 }]);
  b.op('let signals in again', 'rt_sigprocmask', [flags(SIG_SET, 'SETMASK'), none, 0, 8]);
}

const hints = {
  ENOENT: 'no such file in the image; or its interpreter or dynamic linker is missing',
  ENOTDIR: 'a part of the path is not a directory',
  EACCES: 'it is a directory, has no execute permission, or lies on a noexec mount',
  ENOEXEC: 'not a program of this machine: another architecture, or a script without a first line such as #!/bin/sh',
  E2BIG: 'the arguments and the environment are too long together',
} as const;

/** As execvp(3): the first match in PATH. What is found there but may not be executed is passed over, as a shell does. */
export function execute({ b, spec }: Stage): void {
  const { args, env = [] } = spec.process;
  const command = args[0] ?? '';
  const rest = [strings(args), strings(env)];
  const candidates = command.includes('/') ? [command] : searchPath(env).map((directory) => `${directory}/${command}`);
  candidates.forEach((path, index) => {
    const last = index === candidates.length - 1;
    const why = last ? `execute ${command}` : `execute ${path}, if it is there`;
    b.op(why, 'execve', [path, ...rest], {
      ...(last ? { hints: notFound(command) } : { allow: ['ENOENT', 'ENOTDIR', 'EACCES'] as const }),
    });
  });
}

function searchPath(env: readonly string[]): string[] {
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  return (path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    .split(':')
    .map((directory) => directory || '.');
}

function notFound(command: string): typeof hints {
  if (command.includes('/')) return hints;
  const ENOENT = `no ${command} in any directory of PATH` as (typeof hints)['ENOENT'];
  return { ...hints, ENOENT, ENOTDIR: ENOENT as never };
}
