import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Called {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Looks again and again, for ten seconds at most. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`it never came that ${what}`);
    await sleep(5);
  }
}

/**
 * Runs a command to its end. Both its streams go through files of a directory: what a container in the background
 * inherits, it may hold open for long.
 *
 * @param within words before it that enter somewhere
 */
export function callByFiles(directory: string, words: readonly string[], within: readonly string[] = []): Called {
  const [out, err] = [join(directory, 'said.out'), join(directory, 'said.err')];
  const shell = ['sh', '-c', 'out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err"', 'sh', out, err];
  const [program = '', ...args] = [...within, ...shell, ...words];
  const { status } = spawnSync(program, args, { stdio: 'ignore', timeout: 60_000 });
  return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
}
