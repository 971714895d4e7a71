/** Which command lines may be put on record: those that say the same in any directory and any environment. Pure. */
import type { Recordable } from '../container/recording.ts';
import { parseRun } from './parse-run.ts';
import type { RunCommand } from './run-command.ts';

const nowhere = { cwd: '/nowhere', env: {} };

/** @param argv what follows the verb `run` */
export function recordableOf(argv: readonly string[], command: RunCommand): Recordable | undefined {
  const { request, isolation, envFiles, interactive, tty, logLevel } = command;
  const { image, args = [] } = request;
  if (isolation !== 'container') return undefined;
  if (tty || envFiles.length > 0 || logLevel !== 'silent') return undefined;
  if (image !== 'busybox' && !image.startsWith('dir:/')) return undefined;
  const [name = ''] = args;
  // Whether the words stand alone or behind a `--` is for the parser to say.
  if (args.length > 0 && (name === '' || name === '--')) return undefined;
  if (!saysTheSame(argv, request)) return undefined;
  const words = ['run', ...argv.slice(0, argv.length - args.length)];
  return {
    key: { words, command: args.length === 0 ? 'image' : name.includes('/') ? 'path' : 'name' },
    request,
    interactive,
  };
}

function saysTheSame(argv: readonly string[], request: RunCommand['request']): boolean {
  try {
    return JSON.stringify(parseRun(argv, nowhere).request) === JSON.stringify(request);
  } catch {
    return false; // it names a variable that is not there
  }
}
