/**
 * Runs the bundled tests in the test machine, or those files whose name contains one of the arguments. Under TCG everything
 * takes its twenty times, and most of it would be Vite's: files that need no transformation are loaded by Node itself,
 * all by one process.
 */
import { appendFileSync } from 'node:fs';
import { type Reporter, startVitest } from 'vitest/node';

import { SummaryReporter } from '../reporter/summary.ts';

const minutes = 60_000;

/** A failure is known to the host at once, and even if the machine never gets to its last test; so is where the time goes. */
const progress: Reporter = {
  onTestModuleEnd(module) {
    const { duration } = module.diagnostic();
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state: string): number => states.filter((one) => one === state).length;
    const counts = `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
    appendFileSync(
      '/host/files',
      `${(duration / 1000).toFixed(1).padStart(7)} s  ${module.relativeModuleId}: ${counts}\n`,
    );
  },
  onTestCaseResult(test) {
    const { state, errors } = test.result();
    if (state !== 'failed') return;
    const texts = errors.map(({ message, diff, stack }) => [message, diff, stack].join('\n'));
    appendFileSync('/host/failures', `${test.module.relativeModuleId} > ${test.fullName}\n${texts.join('\n')}\n\n`);
  },
};

const vitest = await startVitest('test', process.argv.slice(2), {
  config: false,
  root: import.meta.dirname,
  include: ['tests/**/*.test.js'],
  reporters: [new SummaryReporter(), progress],
  watch: false,
  cache: false,
  pool: 'forks',
  isolate: false,
  fileParallelism: false,
  maxWorkers: 1,
  testTimeout: 10 * minutes,
  hookTimeout: 10 * minutes,
  experimental: { viteModuleRunner: false, nodeLoader: false },
});
await vitest.close();
