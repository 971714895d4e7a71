import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { say } from '../command.mjs';
import { at } from '../root.mjs';

const stamps = at('dist/.stamps');

/**
 * @typedef {object} Target
 * @property {string} name    what is built, as the reader is told
 * @property {string[]} inputs   files and directories whose content decides
 * @property {string} recipe  whatever else decides: flags, versions
 * @property {string[]} outputs
 */

/**
 * Builds what is stale, judged by content: a stamp holds the hash of all that went in.
 * @param {Target} target
 * @param {() => void | Promise<void>} build
 */
export async function whenStale(target, build) {
  const stamp = join(stamps, target.name.replaceAll(/[^\w.-]+/g, '-'));
  const hash = hashOf(target);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && target.outputs.every((path) => existsSync(path))) {
    return;
  }
  say(`builds ${target.name}`);
  rmSync(stamp, { force: true });
  await build();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, hash);
}

/** @param {Target} target */
function hashOf({ inputs, recipe }) {
  const hash = createHash('sha256').update(recipe);
  for (const file of inputs.flatMap(filesIn)) {
    const content = readFileSync(file);
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]}
 */
export function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
