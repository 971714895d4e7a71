/** Paths of the kernel's filesystems that a container must not read (`maskedPaths`) or write (`readonlyPaths`). */
import { flags, MOUNT_ATTR, O, RESOLVE } from '../linux/flags.ts';
import type { Cell } from './program.ts';
import { attach, cloneTree, inRootArgs, newFilesystem, retry, type RootedStage, setAttributes } from './stage.ts';

const readOnly = flags(MOUNT_ATTR, 'RDONLY');
const coverAttributes = flags(MOUNT_ATTR, 'RDONLY', 'NOSUID', 'NODEV', 'NOEXEC');
const directoryPath = flags(O, 'PATH', 'DIRECTORY', 'CLOEXEC');
const anyPath = flags(O, 'PATH', 'CLOEXEC');
/** The kernel's own files are no links: one would be the image's, pointing somewhere else (CVE-2025-31133). */
const noLinks = flags(RESOLVE, 'IN_ROOT', 'NO_MAGICLINKS');

/** Before the root is changed: what covers a file is the host's own /dev/null, not one that the image brought. */
export function maskPaths(stage: RootedStage): void {
  for (const path of stage.spec.linux?.maskedPaths ?? []) {
    const kind = stage.facts.paths.get(path);
    if (kind !== 'file') maskDirectory(stage, path);
    if (kind !== 'directory') maskFile(stage, path);
  }
}

function maskDirectory(stage: RootedStage, path: string): void {
  ifThere(stage, `look for the directory ${path}, to hide it`, path, ['ENOENT', 'ENOTDIR'], true, (target) => {
    const cover = newFilesystem(stage.b, `hiding ${path}`, 'tmpfs', [['mode', '555']], coverAttributes);
    attach(stage.b, `hide ${path} under an empty directory`, cover, target);
  });
}

function maskFile(stage: RootedStage, path: string): void {
  ifThere(stage, `look for the file ${path}, to hide it`, path, ['ENOENT', 'ENOTDIR'], false, (target) => {
    const cover = cloneTree(stage.b, `take /dev/null to hide ${path}`, '/dev/null', false);
    // Of what the host has the kind is known; of a path of the image's it is not, and a directory is covered by now.
    const known = stage.facts.paths.get(path) === 'file';
    attach(stage.b, `hide ${path} under /dev/null`, cover, target, known ? [] : ['EINVAL']);
  });
}

export function sealPaths(stage: RootedStage): void {
  const { b } = stage;
  for (const path of stage.spec.linux?.readonlyPaths ?? []) {
    ifThere(stage, `look for ${path}, to make it read-only`, path, ['ENOENT', 'ENOTDIR'], false, (target) => {
      const tree = cloneTree(b, `take ${path} once more`, target, true);
      setAttributes(b, `make ${path} read-only`, tree, { set: readOnly, recursive: true });
      attach(b, `mount ${path} read-only onto itself`, tree, target);
    });
  }
}

function ifThere(
  stage: RootedStage,
  why: string,
  path: string,
  absent: readonly ('ENOENT' | 'ENOTDIR')[],
  directory: boolean,
  then: (target: Cell) => void,
): void {
  const open = directory ? directoryPath : anyPath;
  stage.b.ifFound(why, 'openat2', inRootArgs(stage.root, path, open, noLinks), { allow: absent, retry }, then);
}
