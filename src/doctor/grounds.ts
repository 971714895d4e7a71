/** The ground that trials stand on: worlds and mounts of their own. */
import { AT_FDCWD, CLONE, flags, MS, named } from '../linux/flags.ts';
import type { Host } from '../linux/host.ts';
import type { ProgramBuilder } from '../launch/program.ts';
import { octal } from '../launch/stage.ts';
import type { TrialOptions, World } from './trials.ts';

/** Where this user's containers are made. */
export const ownWorld = (host: Pick<Host, 'rootless'>): TrialOptions => ({ world: host.rootless ? 'user' : 'host' });

/** A mount table of its own, from which nothing reaches the host. */
export function ownMounts(b: ProgramBuilder): void {
  b.op('make a mount namespace', 'unshare', [flags(CLONE, 'NEWNS')]);
  b.op('keep mounts from the host', 'mount', [0, '/', 0, flags(MS, 'REC', 'PRIVATE'), 0]);
}

/** Covered in the trial's own mount namespace only; every Linux system has it, or procfs could not be there. */
export const scratch = '/proc';

/** An empty tmpfs at `scratch`, with these directories in it. */
export function ownScratch(b: ProgramBuilder, ...directories: readonly string[]): void {
  ownMounts(b);
  b.op('mount a tmpfs', 'mount', ['tmpfs', scratch, 'tmpfs', flags(MS, 'NODEV'), 'mode=0700']);
  for (const name of directories) b.op(`make ${name}`, 'mkdirat', [AT_FDCWD, `${scratch}/${name}`, octal(0o755)]);
}

/** An overlay over a layer with a file and a directory in it, whose writes go to a tmpfs. */
export function ownOverlay(b: ProgramBuilder, world: World): void {
  ownScratch(b, 'lower', 'lower/directory', 'upper', 'work', 'root');
  b.op('make a file', 'mknodat', [AT_FDCWD, `${scratch}/lower/file`, named(0o100644, 'S_IFREG|0644'), 0]);
  const layers = ['lower', 'upper', 'work'].map((name) => `${name}dir=${scratch}/${name}`);
  const options = [...layers, ...(world === 'user' ? ['userxattr'] : [])].join(',');
  b.op('mount an overlay', 'mount', ['overlay', `${scratch}/root`, 'overlay', 0, options]);
  b.op('delete a file of the image in it', 'unlinkat', [AT_FDCWD, `${scratch}/root/file`, 0]);
}
