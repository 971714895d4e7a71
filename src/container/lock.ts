/** A lock that the kernel lets go with its holder, however that ends: flock(2) on a directory. */
import { closeSync } from 'node:fs';
import { ProgramBuilder } from '../launch/program.ts';
import type { Spawner } from '../launch/spawn.ts';
import { AT_FDCWD, flags, LOCK, O } from '../linux/flags.ts';

/** An fd, to be closed by whoever is done; undefined where somebody else has the lock. */
export function tryLock(spawner: Spawner, directory: string): number | undefined {
  const b = new ProgramBuilder();
  const open = [AT_FDCWD, directory, flags(O, 'RDONLY', 'DIRECTORY', 'CLOEXEC'), 0];
  const opened = b.result('directory', `open ${directory}`, 'openat', open);
  const locked = b.result('locked', `lock ${directory}`, 'flock', [opened, flags(LOCK, 'EX', 'NB')], {
    allow: ['EAGAIN'],
  });
  const cells = spawner.run({ ops: b.ops }, [opened]);
  const fd = cells.get(opened) ?? -1;
  if (cells.get(locked) === 0) return fd;
  closeSync(fd);
  return undefined;
}
