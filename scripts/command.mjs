import { spawnSync } from 'node:child_process';

import { at } from './root.mjs';

/**
 * Runs a program in the checkout with the terminal's own stdio; a failure ends the script with the program's exit code.
 * @param {string} file
 * @param {readonly string[]} args
 */
export function run(file, args) {
  const { status, error } = spawnSync(file, args, {
    cwd: at(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined) stop(`run ${file}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * What a program prints; undefined where it is missing or fails.
 * @param {string} file
 * @param {readonly string[]} args
 */
export function read(file, args) {
  const { status, stdout } = spawnSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout : undefined;
}

/** @param {string} message */
export function say(message) {
  process.stderr.write(`tare: ${message}\n`);
}

/**
 * @param {string} message
 * @returns {never}
 */
export function stop(message) {
  say(message);
  process.exit(1);
}
