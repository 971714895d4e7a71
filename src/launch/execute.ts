/** The last steps: signals as a program expects them, and execve(2). */
import { AT_FDCWD, flags, named, SIG_SET } from '../linux/flags.ts';
import { data, type ProgramBuilder, strings } from './program.ts';
import type { Stage } from './stage.ts';

/** Ignored signals stay ignored across execve, and Node ignores some; all are blocked since before clone3. */
export function resetSignals({ b, facts }: { b: ProgramBuilder; facts: Pick<Stage['facts'], 'ignoredSignals'> }): void {
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

/**
 * Whether there is something to execute, as far as can be seen without doing it: for a start that comes later, when nobody
 * hears of a failure. What is found ends the search by a jump, which only an op that "fails" can make.
 */
export function lookForCommand({ b, spec }: Stage): void {
  const { args } = spec.process;
  const command = args[0] ?? '';
  const places = candidates(spec.process);
  places.forEach((path, index) => {
    const last = index === places.length - 1;
    const look = [AT_FDCWD, path, X_OK];
    if (last) {
      b.op(`execute ${command}`, 'faccessat', look, { hints: notFound(command) });
      const directory = [AT_FDCWD, `${path}/`, X_OK];
      b.op(`execute ${command}`, 'faccessat', directory, { min: 1, allow: ['ENOTDIR'], short: 'it is a directory' });
    } else {
      b.op(`look for ${path}`, 'faccessat', look, { allow: ['ENOENT', 'ENOTDIR', 'EACCES'], skip: 1 });
      const rest = 2 * (places.length - index) - 2;
      b.op('look no further', 'getpid', [], { min: Number.MAX_SAFE_INTEGER, allow: [0], skip: rest });
    }
  });
}

/** access(2). */
const X_OK = named(1, 'X_OK');

function candidates({ args, env = [] }: Stage['spec']['process'], command = args[0] ?? ''): string[] {
  return command.includes('/') ? [command] : searchPath(env).map((directory) => `${directory}/${command}`);
}

/**
 * As execvp(3): the first match in PATH. What is found there but may not be executed is passed over, as a shell does.
 *
 * @param command where it is to be found, if not as its first word says
 */
export function execute({ b, spec }: Stage, command = spec.process.args[0] ?? ''): void {
  const { args, env = [] } = spec.process;
  const rest = [strings(args), strings(env)];
  const places = candidates(spec.process, command);
  places.forEach((path, index) => {
    const last = index === places.length - 1;
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
