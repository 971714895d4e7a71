/** Disks without loop devices. One carries this checkout into the machine: what is tracked, what is built, and node_modules. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { run, stop } from '../command.mjs';
import { at } from '../root.mjs';

const built = ['dist', 'native/build', 'node_modules'];

/** @param {string} folder to make it in @returns {string} */
export function makeCheckoutDisk(folder) {
  const tree = join(folder, 'checkout');
  const disk = join(folder, 'checkout.ext4');
  mkdirSync(tree);
  const { status, stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: at(),
  });
  if (status !== 0) stop('ask git for the files of the checkout: it fails (hint: git status)');
  copy(tree, stdout);
  copy(tree, built.join('\0'));
  makeDisk(disk, '2G', 'tare', tree);
  rmSync(tree, { recursive: true });
  return disk;
}

/**
 * A file system with the content of a directory, without a loop device. It is thrown away after each run, so a journal would
 * protect nothing.
 * @param {string} disk
 * @param {string} size
 * @param {string} label
 * @param {string} tree
 */
export function makeDisk(disk, size, label, tree) {
  run('truncate', ['--size', size, disk]);
  run('mke2fs', ['-q', '-t', 'ext4', '-L', label, '-O', '^has_journal', '-d', tree, disk]);
}

/** @param {string} tree @param {string | Buffer} names ended by NUL */
function copy(tree, names) {
  const tar = spawnSync(
    'tar',
    ['--create', '--exclude=dist/test-machine', '--null', '--files-from=-', '--ignore-failed-read'],
    {
      cwd: at(),
      input: names,
      maxBuffer: 4e9,
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  const { status } = spawnSync('tar', ['--extract', '--directory', tree], { input: tar.stdout });
  if (status !== 0) stop(`copy the checkout to ${tree}: tar failed`);
}
