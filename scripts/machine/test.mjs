/** tests/kernel and tests/machine in the test machine. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { say } from '../command.mjs';
import { at } from '../root.mjs';
import { runJob } from './boot.mjs';
import { makeCheckoutDisk } from './disk.mjs';
import { buildMachine } from './image.mjs';
import { bundleTests, checkout } from './tests.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Summary */

/**
 * What a run brings back: `log`, `summary.json`, `status`, each `failures` as it happens, how long each of the `files` took, and
 * the machine's `console`.
 */
const results = at('dist/test-machine');

/** Two cores under TCG need some twenty minutes; a run that hangs must end before whoever waits for it does. */
const seconds = 60 * 60;

/** @param {string} text */
const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** @param {readonly string[]} files */
const job = (files) => `
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export TARE_MACHINE=here TARE_MUST_RUN=1 TARE_SUMMARY=/host/summary.json
cd ${checkout}/dist/machine
exec node main.js ${files.map(quote).join(' ')}
`;

/**
 * A machine that does not get so far as to count its tests counts as a failed one.
 * @param {readonly string[]} files those whose names contain one of these; all, if there are none
 * @returns {Promise<Summary>}
 */
export async function testInMachine(files) {
  const image = buildMachine();
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  await bundleTests();
  const disk = makeCheckoutDisk(results);
  writeFileSync(join(results, 'job'), job(files));
  const status = await runJob(image, { disk: { file: disk, format: 'raw', kept: false }, host: results, seconds });
  rmSync(disk);
  const file = join(results, 'summary.json');
  if (status === undefined || !existsSync(file)) {
    say(`the tests in the test machine were not counted; those that had failed:\n${failures() || '(none)'}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const summary = /** @type {Summary} */ (JSON.parse(readFileSync(file, 'utf8')));
  if (status === 0 || summary.failed > 0) return summary;
  say(`the tests passed in the test machine, but their process ended with ${status}`);
  return { ...summary, failed: 1 };
}

function failures() {
  const file = join(results, 'failures');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
