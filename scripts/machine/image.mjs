/**
 * The machine's disk, kernel and initramfs, as QEMU takes them. Built as root, without loop devices: mmdebstrap makes a
 * directory, and mke2fs a file system out of it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { read, run, say, stop } from '../command.mjs';
import { makeDisk } from './disk.mjs';
import { at } from '../root.mjs';
import { readRecipe } from './recipe.mjs';

/** @typedef {{ disk: string, kernel: string, initrd: string }} Image */

/** What stands between the kernel and its root disk. */
const needed = ['virtio_pci', 'virtio_blk', 'ext4'];

const unread = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];

/** Why there is no test machine on this host, and none can be built; undefined where there can. */
export function whyNoMachine() {
  if (process.arch !== 'x64') return `the test machine is an x86-64 one, and this host is ${process.arch}`;
  if (process.getuid?.() === 0 || existsSync(imageIn(readRecipe().folder).disk)) return undefined;
  return 'the test machine is built by root (hint: sudo npm run machine)';
}

/** Builds the machine, unless one of the same recipe is there. @returns {Image} */
export function buildMachine() {
  const why = whyNoMachine();
  if (why !== undefined) stop(why);
  const recipe = readRecipe();
  const image = imageIn(recipe.folder);
  if (existsSync(image.disk)) return image;
  say(`builds the test machine in ${recipe.folder}: some two minutes`);
  mkdirSync(dirname(recipe.folder), { recursive: true, mode: 0o755 });
  const work = `${recipe.folder}.${process.pid}`;
  const remove = () => rmSync(work, { recursive: true, force: true });
  process.once('exit', remove);
  mkdirSync(work);
  makeRoot(join(work, 'root'), recipe);
  pack(join(work, 'root'), imageIn(work));
  rmSync(join(work, 'root'), { recursive: true });
  // Whoever was faster has made the same.
  if (!existsSync(recipe.folder)) renameSync(work, recipe.folder);
  return image;
}

/** @param {string} folder @returns {Image} */
const imageIn = (folder) => ({
  disk: join(folder, 'disk.ext4'),
  kernel: join(folder, 'vmlinuz'),
  initrd: join(folder, 'initrd'),
});

/** @param {string} root @param {import('./recipe.mjs').Recipe} recipe */
function makeRoot(root, { suite, sources, settings, packages }) {
  const { status, stderr } = spawnSync(
    'mmdebstrap',
    [
      ...['--mode=root', '--variant=apt', '--format=directory'],
      `--include=${packages.join(',')}`,
      ...['Apt::Install-Recommends "false";', ...settings].map((line) => `--aptopt=${line}`),
      ...['force-unsafe-io', ...unread.map((path) => `path-exclude=${path}`)].map((line) => `--dpkgopt=${line}`),
      ...[suite, root, ...sources],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], maxBuffer: 1e9 },
  );
  if (status !== 0) stop(`mmdebstrap failed:\n${stderr.split('\n').slice(-30).join('\n')}`);
  cpSync(at('scripts/machine/root'), root, { recursive: true });
  installNode(root);
}

/** The host's own, so that the tests meet the same one; and npm, where it is found beside it. @param {string} root */
function installNode(root) {
  cpSync(realpathSync(process.execPath), join(root, 'usr/local/bin/node'));
  const npm = join(dirname(realpathSync(process.execPath)), '../lib/node_modules/npm');
  if (existsSync(npm)) {
    cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true });
    run('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm')]);
    run('ln', ['-s', '../lib/node_modules/npm/bin/npx-cli.js', join(root, 'usr/local/bin/npx')]);
  }
  if (read('chroot', [root, 'node', '--version'])?.trim() === process.version) return;
  stop(
    `${process.execPath} does not run in the test machine (hint: use Node of nodejs.org, which brings its libraries)`,
  );
}

/** @param {string} root @param {Image} image */
function pack(root, { disk, kernel, initrd }) {
  const [version] = readdirSync(join(root, 'lib/modules'));
  if (version === undefined) stop('the test machine has got no kernel');
  cpSync(join(root, `boot/vmlinuz-${version}`), kernel);
  packInitrd(root, version, initrd);
  makeDisk(disk, '6G', 'machine', root);
}

/**
 * busybox, the modules in the order in which they are loaded, and init. Debian's own initramfs finds any disk, and takes
 * ten times as long.
 * @param {string} root
 * @param {string} version
 * @param {string} initrd
 */
function packInitrd(root, version, initrd) {
  const folder = join(root, 'tmp/initrd');
  for (const name of ['bin', 'dev', 'lib', 'root']) mkdirSync(join(folder, name), { recursive: true });
  cpSync(join(root, 'bin/busybox'), join(folder, 'bin/busybox'));
  cpSync(at('scripts/machine/initrd-init'), join(folder, 'init'));
  const modules = needed.flatMap((name) => {
    const found = read('chroot', [root, 'modprobe', '--set-version', version, '--show-depends', name]);
    if (found === undefined) stop(`the machine's kernel has no ${name}`);
    return found.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []);
  });
  for (const path of new Set(modules)) cpSync(join(root, path), join(folder, 'lib', basename(path)));
  const order = [...new Set(modules)].map((path) => `${basename(path)}\n`);
  writeFileSync(join(folder, 'lib/order'), order.join(''));
  run('chroot', [root, 'sh', '-c', 'cd /tmp/initrd && find . | cpio --quiet -o -H newc > /tmp/initrd.cpio']);
  renameSync(join(root, 'tmp/initrd.cpio'), initrd);
  rmSync(folder, { recursive: true });
  // For a machine in this machine.
  cpSync(initrd, join(root, 'boot/initrd-small'));
}
