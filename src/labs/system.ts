/** Tools of the system, with an environment that no student has touched. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Standard output of a tool of the system; undefined where it fails or is not there. */
export function ask(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, {
      encoding: 'utf8',
      env: { PATH: systemPath },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}

/** A program that has our terminal until it ends, and ends with us; its exit code. */
export async function runOnTerminal(program: string, args: readonly string[]): Promise<number> {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', program, ...args], { stdio: 'inherit' });
  const ignore = () => {}; // Ctrl-C is its affair
  process.on('SIGINT', ignore);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', ignore);
  return code ?? 1;
}
