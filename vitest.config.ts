import { defineConfig } from 'vitest/config';

import { SummaryReporter } from './tests/reporter/summary.ts';

const unit = {
  name: 'unit',
  include: ['tests/*.test.ts', 'tests/unit/**/*.test.ts'],
  // Modules have no state, so files may share a process, and start in no time.
  isolate: false,
  // No promise of speed: a busy machine takes its time.
  testTimeout: 60_000,
};

/** All share one kernel, and what one leaves behind is another's failure: one file at a time. */
const kernel = {
  name: 'kernel',
  include: ['tests/kernel/**/*.test.ts'],
  fileParallelism: false,
  sequence: { groupOrder: 1 },
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

/** One table over every implementation of an interface. */
const conformance = {
  ...kernel,
  name: 'conformance',
  // Guests are booted, where it may be that nothing helps with translating them.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  include: ['tests/conformance/**/*.test.ts'],
  sequence: { groupOrder: 2 },
};

/** Only where a machine says that it is the one they want: elsewhere `npm test` boots that. */
const machine = {
  ...kernel,
  name: 'machine',
  include: process.env.TARE_MACHINE === 'here' ? ['tests/machine/**/*.test.ts'] : [],
  sequence: { groupOrder: 3 },
};

/** What a page looks like, in a real browser. */
const browser = {
  ...kernel,
  name: 'browser',
  include: ['tests/browser/**/*.test.ts'],
  sequence: { groupOrder: 4 },
};

export default defineConfig({
  test: {
    // ffi-rs, loaded in a worker thread alone, ends in a segmentation fault: every file gets a process.
    pool: 'forks',
    reporters: [new SummaryReporter()],
    projects: [
      { extends: true, test: unit },
      { extends: true, test: kernel },
      { extends: true, test: conformance },
      { extends: true, test: machine },
      { extends: true, test: browser },
    ],
  },
});
