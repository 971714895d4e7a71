/**
 * The built-in images: Debian's static busybox, a link for each of its applets, and what little else a root needs.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { read, run, stop } from '../command.mjs';
import { at } from '../root.mjs';
import { whenStale } from './stamp.mjs';
import { copyTools, findTools } from './tools.mjs';

const busybox = '/bin/busybox';
const image = at('dist/images/busybox');

/** @type {Record<string, number>} */
const folders = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  home: 0o755,
  mnt: 0o755,
  proc: 0o755,
  root: 0o700,
  run: 0o755,
  sbin: 0o755,
  sys: 0o755,
  tmp: 0o1777,
  'usr/bin': 0o755,
  'usr/sbin': 0o755,
  'var/log': 0o755,
  'var/tmp': 0o1777,
};

/** @type {Record<string, string[]>} */
const files = {
  'etc/passwd': ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/home:/bin/false'],
  'etc/group': ['root:x:0:', 'tty:x:5:', 'nobody:x:65534:'],
  'etc/hosts': ['127.0.0.1 localhost', '::1 localhost'],
  'etc/hostname': ['busybox'],
  'etc/resolv.conf': [],
};

/** What is run when backends are weighed: the same root for all, with our own payload in it. */
const weighed = at('dist/images/weigh');
const tools = at('dist/images/weigh-tools');
const payload = at('fixtures/programs/payload');

const config = {
  architecture: process.arch === 'x64' ? 'amd64' : process.arch,
  os: 'linux',
  config: {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    Cmd: ['sh'],
    WorkingDir: '/',
  },
  rootfs: { type: 'layers', diff_ids: [] },
};

export async function buildImage() {
  const target = {
    name: 'the busybox image',
    inputs: [busybox, at('scripts/build/image.mjs')],
    recipe: '',
    outputs: [join(image, 'rootfs/bin/busybox'), join(image, 'config.json')],
  };
  await whenStale(target, () => {
    rmSync(image, { recursive: true, force: true });
    makeRoot(join(image, 'rootfs'));
    writeFileSync(join(image, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  });
}

export async function buildWeighedImage() {
  const target = {
    name: 'the image that is weighed',
    inputs: [busybox, payload, at('scripts/build/image.mjs')],
    recipe: '',
    outputs: [join(weighed, 'rootfs/bin/payload'), join(weighed, 'config.json')],
  };
  await whenStale(target, () => makeWeighed(weighed));
}

/** The same, and Debian's tools, of those that are installed: too large for a start, whose payload writes a byte. */
export async function buildToolsImage() {
  const found = findTools();
  const target = {
    name: 'the image with tools to weigh with',
    inputs: [
      busybox,
      payload,
      ...found.map(({ from }) => from),
      at('scripts/build/image.mjs'),
      at('scripts/build/tools.mjs'),
    ],
    recipe: found.map(({ path }) => path).join(),
    outputs: [join(tools, 'rootfs/bin/payload'), join(tools, 'config.json')],
  };
  await whenStale(target, () => {
    makeWeighed(tools);
    copyTools(found, join(tools, 'rootfs'));
  });
}

/** @param {string} home */
function makeWeighed(home) {
  rmSync(home, { recursive: true, force: true });
  makeRoot(join(home, 'rootfs'));
  const sources = readdirSync(payload).filter((name) => name.endsWith('.c'));
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-O2', '-static', '-s'];
  run('gcc', [...flags, ...sources.map((name) => join(payload, name)), '-o', join(home, 'rootfs/bin/payload')]);
  writeFileSync(join(home, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** @param {string} root */
function makeRoot(root) {
  for (const [name, mode] of Object.entries(folders)) {
    mkdirSync(join(root, name), { recursive: true });
    chmodSync(join(root, name), mode);
  }
  for (const [name, lines] of Object.entries(files)) {
    writeFileSync(join(root, name), lines.map((line) => `${line}\n`).join(''));
  }
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const applet of applets()) {
    const link = join(root, applet);
    symlinkSync(relative(dirname(link), join(root, 'bin/busybox')), link);
  }
}

/** Paths such as `usr/bin/awk`. */
function applets() {
  const paths = read(busybox, ['--list-full'])?.trim().split('\n');
  if (paths === undefined) stop(`ask ${busybox} for its applets: it does not run`);
  return paths.filter((path) => path !== 'bin/busybox' && dirname(path) in folders);
}
