/** What decides the content of the machine's disk. All of it is hashed into the disk's name. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { filesIn } from '../build/stamp.mjs';
import { read, stop } from '../command.mjs';
import { insideMachine } from '../packages.mjs';
import { at } from '../root.mjs';

/**
 * @typedef {object} Recipe
 * @property {string} suite       Debian's name of the release: the host's own
 * @property {string[]} sources   files in which the host's apt finds its packages
 * @property {string[]} settings  how the host's apt downloads, a line of apt.conf(5) each
 * @property {string[]} packages
 * @property {string} folder      where the machine built by this recipe is kept
 */

/** Only root can fill it, beside what the engine keeps; it serves all checkouts. */
const cache = '/var/cache/tare/machine';

const ingredients = ['image.mjs', 'initrd-init', 'root'];

/** @returns {Recipe} */
export function readRecipe() {
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const sources = aptSources();
  if (suite === undefined || sources.length === 0)
    stop('the test machine is built from the apt sources of a Debian host');
  const packages = Object.keys(insideMachine).sort();
  const hash = createHash('sha256').update(JSON.stringify([suite, packages, process.version, process.arch]));
  for (const file of ingredients.flatMap((name) => filesIn(at('scripts/machine', name)))) {
    hash.update(`\0${file.slice(at().length)}\0`).update(readFileSync(file));
  }
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  return { suite, sources, settings: aptSettings(), packages, folder };
}

function aptSources() {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const files = ['/etc/apt/sources.list', ...parts.sort().map((name) => join(folder, name))];
  return files.filter((file) => existsSync(file) && /^\s*(deb |Types:.*\bdeb\b)/m.test(readFileSync(file, 'utf8')));
}

/** Proxies and the like. What apt keeps for itself, such as its lists' formats, the machine's own apt knows. */
function aptSettings() {
  const dump = read('apt-config', ['dump', 'Acquire']) ?? '';
  return dump
    .split('\n')
    .filter((line) => /^Acquire::(https?|Check-\S+|Retries|AllowInsecureRepositories)\S* "[^"]+";$/.test(line));
}
