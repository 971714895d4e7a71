/**
 * Everything a fresh clone needs, each thing only when it is missing: Debian packages, node_modules, the builds.
 * Runs before node_modules exists, so it imports nothing from there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from './build.mjs';
import { buildNative } from './build/native.mjs';
import { read, run, say, stop } from './command.mjs';
import { packages, replacements } from './packages.mjs';
import { at } from './root.mjs';

/** @typedef {keyof typeof packages} Purpose */

/** @param {Purpose} purpose */
export async function setup(purpose) {
  checkNode();
  installPackages(packages[purpose]);
  installModules();
  await build();
  if (purpose !== 'run' && process.arch === 'x64') await buildNative('arm64');
}

export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  stop(`needs Node 20.19 or later, and this is ${process.versions.node} (hint: https://nodejs.org/en/download)`);
}

/** @param {Record<string, string>} wanted */
function installPackages(wanted) {
  const missing = Object.keys(wanted).filter((name) => ![name, ...(replacements[name] ?? [])].some(isInstalled));
  if (missing.length === 0) return;
  if (read('dpkg', ['--version']) === undefined) {
    stop(`set-up knows Debian's packages only; please install what matches ${missing.join(', ')}`);
  }
  if (process.getuid?.() !== 0) {
    stop(`some Debian packages are missing; please run\n\n  sudo apt-get install ${missing.join(' ')}\n`);
  }
  say('installs these Debian packages:');
  for (const name of missing) say(`  ${name.padEnd(40)} ${wanted[name]}`);
  // Lists of another day ask for versions that their archive no longer has, or that do not go with what is installed.
  aptGet(['update']);
  withoutServices(() => aptGet(['install', '--yes', '--no-install-recommends', ...missing]));
}

/** What is installed here is run by tare itself, if at all: Debian asks this file before it starts a service. */
function withoutServices(/** @type {() => void} */ install) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  process.once('exit', () => rmSync(policy, { force: true })); // also where apt-get fails and set-up stops
  install();
}

/** @param {string} name */
function isInstalled(name) {
  return read('dpkg-query', ['--show', '--showformat', '${db:Status-Status}', name])?.startsWith('installed') ?? false;
}

/** Quiet unless it fails. @param {readonly string[]} args */
function aptGet(args) {
  const { status, stdout, stderr } = spawnSync('apt-get', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) stop(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`);
}

export function installModules() {
  if (modulesMatch()) return;
  say('installs the npm packages of package-lock.json into node_modules');
  run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit']);
}

/** npm notes in node_modules what it installed, in the lockfile's own form. */
function modulesMatch() {
  const installed = lockedPackages(at('node_modules/.package-lock.json'));
  const wanted = lockedPackages(at('package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? optional : found.version === version && found.integrity === integrity;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined}
 */
function lockedPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2] ?? 'run';
  if (!(purpose in packages)) stop(`setup for ${purpose}? there is ${Object.keys(packages).join(', ')}`);
  await setup(/** @type {Purpose} */ (purpose));
}
