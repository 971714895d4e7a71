/** Whether a program is installed, and which version of it. */
import { execa } from 'execa';
import { onPath } from '../linux/host.ts';
import type { Readiness } from './types/backend.ts';

export async function probeProgram(program: string, debianPackage: string): Promise<Readiness> {
  if (onPath(program) === undefined)
    return { missing: { reason: 'not installed', cure: `apt-get install ${debianPackage}` } };
  const { stdout } = await execa(program, ['--version'], { reject: false, timeout: 10_000 });
  return { version: /\d+\.\d+[^\s,)]*/.exec(stdout)?.[0] ?? 'unknown' };
}

export const needsRoot: Readiness = { missing: { reason: 'needs root', cure: 'sudo tare weigh' } };
export const isRoot = (): boolean => process.geteuid?.() === 0;
