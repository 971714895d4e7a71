/** `read` and `cgroup`: what files of the kernel say, which nobody can write into them by hand. */
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Finding } from '../finding.ts';
import { describeExpected, describeText, meets } from './numbers.ts';
import { type Expected, expectedShape } from './shapes.ts';

export const readShape = z.strictObject({
  file: z.string().regex(/^\/(proc|sys)\//, 'a file under /proc or /sys'),
  says: expectedShape,
});
export type ReadExpected = z.output<typeof readShape>;

export const cgroupShape = z.strictObject({
  /** Absolute; a lab's own group is `{{cgroup}}`. */
  group: z.string(),
  /** By the names of its files. */
  files: z.record(z.string(), expectedShape),
});
export type CgroupExpected = z.output<typeof cgroupShape>;

const cgroup2 = 0x63677270;

export function checkRead({ file, says }: ReadExpected): Finding {
  const { met, saw } = look(file, says);
  return { passed: met, tested: `what does ${file} say?`, expected: describeExpected(says), saw };
}

export function checkCgroup({ group, files }: CgroupExpected): Finding {
  const tested = `what do the files of the cgroup ${group} say?`;
  const list = Object.entries(files);
  const expected = list.map(([name, says]) => `${name}: ${describeExpected(says)}`).join('; ');
  if (!isCgroup(group)) return { passed: false, tested, expected, saw: 'no cgroup there' };
  const seen = list.map(([name, says]) => ({ name, ...look(join(group, name), says) }));
  const failed = seen.filter(({ met }) => !met);
  const shown = failed.length > 0 ? failed : seen;
  return {
    passed: failed.length === 0,
    tested,
    expected,
    saw: shown.map(({ name, saw }) => `${name}: ${saw}`).join('; '),
  };
}

/** A directory of that name elsewhere is none. */
function isCgroup(path: string): boolean {
  try {
    return statfsSync(path).type === cgroup2;
  } catch {
    return false;
  }
}

function look(file: string, says: Expected): { readonly met: boolean; readonly saw: string } {
  try {
    const text = readFileSync(file, 'utf8');
    return { met: meets(text, says), saw: describeText(text, says) };
  } catch (error) {
    return { met: false, saw: (error as NodeJS.ErrnoException).code ?? 'nothing that can be read' };
  }
}
