/** Waiting for a group to change: the kernel modifies `cgroup.events`, which inotify tells, at most every 10 ms. */
import { type FSWatcher, watch } from 'node:fs';

/** Undefined where inotify has no watch left (ENOSPC, EMFILE) or the file has gone: the clock is then enough. */
function watchFile(file: string, changed: () => void): FSWatcher | undefined {
  try {
    return watch(file, changed).on('error', () => undefined);
  } catch {
    return undefined;
  }
}

/**
 * Resolves to true as soon as `done` holds, to false after `milliseconds`.
 *
 * Asks `done` at first, whenever `file` changes, and at growing distances besides (up to 100 ms), so that a lost event
 * delays and never hangs.
 */
export async function until(file: string, done: () => boolean, milliseconds: number): Promise<boolean> {
  if (done()) return true;
  let wake = (): void => undefined;
  // The watch stands before the next look: a change between the two wakes the loop.
  const watcher = watchFile(file, () => wake());
  try {
    const deadline = performance.now() + milliseconds;
    for (let pause = 1; !done(); pause = Math.min(pause * 2, 100)) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(pause, left));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return true;
  } finally {
    watcher?.close();
  }
}
