import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** With what leads there; Node's own `recursive` never returns where the kernel says ENOENT of a directory that exists, as /proc does. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}
