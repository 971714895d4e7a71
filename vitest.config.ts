import { defineConfig } from 'vitest/config';

/** The kernel tests share one kernel: what one leaves behind is another's failure, so they run one file at a time. */
const kernel = {
  name: 'kernel',
  include: ['tests/kernel/**/*.test.ts'],
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

const unit = {
  name: 'unit',
  include: ['tests/*.test.ts', 'tests/unit/**/*.test.ts', 'tests/conformance/**/*.test.ts'],
};

// ffi-rs loaded in a worker thread alone ends in a segmentation fault: every file gets a process.
export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      { extends: true, test: unit },
      { extends: true, test: kernel },
    ],
  },
});
