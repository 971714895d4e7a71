/** `npm run check`: all that can be known without root and without a container, two parts at a time. */
import { spawn } from 'node:child_process';

import { at } from './root.mjs';
import { checkNode, installModules } from './setup.mjs';

const bin = (/** @type {string} */ name) => at('node_modules/.bin', name);

/** What the last check found of files that have not changed. */
const kept = (/** @type {string} */ name) => at('node_modules/.cache/check', name);

/** The longest first. @type {[name: string, command: string[]][]} */
const parts = [
  ['lint and types', [bin('oxlint'), '--type-aware', '--type-check', '--deny-warnings']],
  ['unit tests and architecture', [bin('vitest'), 'run', '--project', 'unit']],
  ['format', [bin('prettier'), '--check', '--log-level', 'warn', '--cache', '--cache-location', kept('prettier'), '.']],
  ['library documented', [bin('typedoc'), '--emit', 'none', '--logLevel', 'Warn']],
  ['native code', [process.execPath, at('scripts/build/analyze.mjs')]],
  ['unused code', [bin('knip'), '--no-progress']],
];

/**
 * @param {string} name
 * @param {string[]} command
 * @returns {Promise<boolean>}
 */
async function check(name, [file = '', ...args]) {
  const begun = performance.now();
  const child = spawn(file, args, { cwd: at(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise((resolve) => child.on('error', () => resolve(-1)).on('close', resolve));
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name}, ${seconds} s\n`);
  if (code !== 0) process.stdout.write(`${output}\n`);
  return code === 0;
}

const waiting = [...parts];

async function worker() {
  let fine = true;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    fine = (await check(...part)) && fine;
  }
  return fine;
}

checkNode();
installModules();
const results = await Promise.all([worker(), worker()]);
process.exitCode = results.every(Boolean) ? 0 : 1;
