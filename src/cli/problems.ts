import { TareError } from '../errors.ts';

/** One problem on the error's own line, several below it. */
export function throwProblems(verb: string, problems: readonly string[]): void {
  if (problems.length === 1) throw new TareError(`${verb}: ${problems.join('')}`);
  if (problems.length > 1) {
    const lines = problems.map((line) => `\n  ${line}`);
    throw new TareError(`${verb}: ${problems.length} problems${lines.join('')}`, { hint: `see tare ${verb} --help` });
  }
}
