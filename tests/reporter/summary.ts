import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { TestModule } from 'vitest/node';
import { DefaultReporter } from 'vitest/node';

/** How many tests there were, by what became of them. */
interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Vitest's own reporter, and under it one last line for machines: `N passed, N failed, N skipped`. Where TARE_SUMMARY names a
 * file the numbers go there, for whoever adds them to others.
 */
export class SummaryReporter extends DefaultReporter {
  override onTestRunEnd(...args: Parameters<DefaultReporter['onTestRunEnd']>): void {
    super.onTestRunEnd(...args);
    const [modules, errors] = args;
    const summary = summarize(modules, errors);
    const file = process.env.TARE_SUMMARY;
    if (file === undefined)
      console.log(`${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
    else writeFileSync(file, JSON.stringify(summary));
  }
}

/** A file that cannot be loaded, a failed hook around tests and an error outside any test count as a failure each. */
function summarize(modules: readonly TestModule[], errors: readonly SerializedError[]): Summary {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => tests.filter((test) => test.result().state === state).length;
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const broken = suites.filter((suite) => suite.errors().length > 0).length;
  return {
    passed: count('passed'),
    failed: count('failed') + broken + errors.length,
    skipped: count('skipped') + count('pending'),
  };
}
