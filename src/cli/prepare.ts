import { readFileSync } from 'node:fs';
import { TareError } from '../errors.ts';
import { parseEnvFile } from './env-file.ts';
import type { Context } from './flag.ts';
import type { RunCommand } from './run-command.ts';
import type { Session } from './session.ts';

/**
 * What the verbs that make a container share: the flags are read, the files they name too.
 * Undefined where `--help` was asked for and given.
 */
export async function prepare<D extends RunCommand>(
  verb: string,
  parse: (argv: readonly string[], context: Context) => D,
  argv: readonly string[],
  session: Session,
): Promise<D | undefined> {
  const command = parse(argv, session);
  session.logLevel = command.logLevel;
  if (command.help) {
    const { printHelp } = await import('./help.ts');
    printHelp(verb, session);
    return undefined;
  }
  const fromFiles = command.envFiles.flatMap((path) => parseEnvFile(path, readEnvFile(path), session.env));
  const { env = [] } = command.request;
  if (fromFiles.length > 0) command.request.env = [...fromFiles, ...env];
  return command;
}

function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new TareError(`read --env-file ${path}`, { errno: code, cause });
  }
}
