/**
 * `npm test [-- FILE…]`: sets everything up, then runs all tests, at last those that want a machine of their own, in it; or
 * the given files, here. TARE_NO_MACHINE=1 leaves out the machine. The last line is `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { say, stop } from './command.mjs';
import { whyNoMachine } from './machine/image.mjs';
import { testInMachine } from './machine/test.mjs';
import { at } from './root.mjs';
import { setup } from './setup.mjs';

/** @typedef {import('./machine/test.mjs').Summary} Summary */

const files = process.argv.slice(2);
// In the machine itself vitest finds those tests too, and nobody looks at pages.
const inMachine = process.env.TARE_MACHINE === 'here';
const wantsMachine = files.length === 0 && !inMachine && process.env.TARE_NO_MACHINE === undefined;
const whyNot = wantsMachine ? whyNoMachine() : undefined;

await setup(inMachine ? 'kernel' : wantsMachine && whyNot === undefined ? 'machine' : 'test');
const here = testHere();
const there = wantsMachine ? await testThere() : { passed: 0, failed: 0, skipped: 0 };
const [passed, failed, skipped] = [
  here.passed + there.passed,
  here.failed + there.failed,
  here.skipped + there.skipped,
];
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** @returns {Summary} */
function testHere() {
  const folder = mkdtempSync(join(tmpdir(), 'tare-summary-'));
  const file = join(folder, 'summary.json');
  const { status, error } = spawnSync(process.execPath, [at('node_modules/vitest/vitest.mjs'), 'run', ...files], {
    cwd: at(),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TARE_SUMMARY: file },
  });
  const summary = existsSync(file) ? /** @type {Summary} */ (JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  rmSync(folder, { recursive: true });
  if (summary === undefined) stop(`vitest has counted nothing: ${error?.message ?? `it ended with ${status}`}`);
  // Vitest may fail for what is no test, such as a file of whose name there is none.
  return status === 0 || summary.failed > 0 ? summary : { ...summary, failed: 1 };
}

/** @returns {Promise<Summary>} */
async function testThere() {
  if (whyNot === undefined) return testInMachine([]);
  say(`skipped: the tests in the test machine: ${whyNot}`);
  return { passed: 0, failed: 0, skipped: 1 };
}
