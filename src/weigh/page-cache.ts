import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { TareError } from '../errors.ts';

/**
 * Empties the page cache, and the caches of names and inodes: Documentation/admin-guide/sysctl/vm.rst, drop_caches. What is dirty
 * stays, so that it is written first.
 */
export async function dropCaches(): Promise<void> {
  await execa('sync', { timeout: 60_000 });
  try {
    await writeFile('/proc/sys/vm/drop_caches', '3');
  } catch (cause) {
    throw new TareError('drop the page cache', {
      errno: (cause as NodeJS.ErrnoException).code,
      hint: 'as root',
      cause,
    });
  }
}
