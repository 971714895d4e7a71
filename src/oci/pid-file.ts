/** `--pid-file`. */
import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TareError } from '../errors.ts';

/** The number alone, without a newline; whoever waits for the file finds it whole. */
export function writePidFile(path: string, pid: number): void {
  const draft = join(dirname(path), `.${basename(path)}`);
  try {
    writeFileSync(draft, String(pid), { mode: 0o644 });
    renameSync(draft, path);
  } catch (cause) {
    throw new TareError(`write ${path}`, { errno: (cause as NodeJS.ErrnoException).code, cause });
  }
}
