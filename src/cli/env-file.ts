import { TareError } from '../errors.ts';

/**
 * The variables of a file in Docker's grammar: `NAME=VALUE` a line, or NAME alone to hand on our own; lines that start
 * with `#` are comments. Quotes and spaces after the `=` belong to the value.
 *
 * @throws TareError that lists every line that is wrong
 */
export function parseEnvFile(path: string, text: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const variables: string[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    const own = env[name];
    if (name === '') problems.push(`line ${index + 1}: no name before the =`);
    else if (/\s/.test(name)) problems.push(`line ${index + 1}: a space in the name ${JSON.stringify(name)}`);
    else if (equals >= 0) variables.push(line);
    else if (own !== undefined) variables.push(`${name}=${own}`);
  }
  if (problems.length > 0) throw new TareError(`read --env-file ${path}: ${problems.join('; ')}`);
  return variables;
}
