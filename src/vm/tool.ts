/** Programs of Debian packages that prepare what a machine boots. */
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import { onPath } from '../linux/host.ts';

export interface Tool {
  readonly program: string;
  /** The Debian package that has it. */
  readonly package: string;
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  /** In bytes; what says more has failed. */
  readonly mostOutput?: number;
  /** In milliseconds. */
  readonly patience?: number;
  /** Where it writes, for whoever is to make room there; the cache where absent. */
  readonly place?: string;
}

const patience = 300_000;

/**
 * What a program wrote to its standard output.
 *
 * @param doing for errors: what this is a step of, such as `make a disk of /srv/image`
 * @throws {@link TareError} with the `apt-get` line where the program is missing, otherwise with what it said last
 */
export async function runTool(
  doing: string,
  tool: Tool,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<Buffer> {
  const result = await execa(pathOf(doing, tool), args, {
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: 'C' },
    encoding: 'buffer',
    maxBuffer: options.mostOutput ?? 16 * 2 ** 20,
    timeout: options.patience ?? patience,
    reject: false,
  });
  if (!result.failed) return Buffer.from(result.stdout);
  const said = Buffer.from(result.stderr).toString().trim().split('\n').slice(-3).join('; ');
  if (/no space left on device/i.test(said)) {
    const { place = 'the cache' } = options;
    throw new TareError(doing, { errno: 'ENOSPC', hint: `make room on the disk with ${place}`, cause: result });
  }
  const what = result.timedOut ? 'takes too long' : said === '' ? result.shortMessage : `says: ${said}`;
  throw new TareError(`${doing}: ${tool.program} ${what}`, { cause: result });
}

/** The program's path. @throws {@link TareError} with the `apt-get` line where it is missing */
export function pathOf(doing: string, { program, package: name }: Tool): string {
  const path = onPath(program);
  if (path === undefined) {
    throw new TareError(`${doing}: there is no ${program}`, { errno: 'ENOENT', hint: `apt-get install ${name}` });
  }
  return path;
}
