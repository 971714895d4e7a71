import type { SerializedError } from 'vitest';
import type { TestModule } from 'vitest/node';
import { DefaultReporter } from 'vitest/node';

/** Vitest's own reporter, and under it one last line for machines: `N passed, N failed, N skipped`. */
export class SummaryReporter extends DefaultReporter {
  override onTestRunEnd(...args: Parameters<DefaultReporter['onTestRunEnd']>): void {
    super.onTestRunEnd(...args);
    const [modules, errors] = args;
    console.log(summary(modules, errors));
  }
}

/** A file that cannot be loaded, a failed hook around tests and an error outside any test count as a failure each. */
function summary(modules: readonly TestModule[], errors: readonly SerializedError[]): string {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => tests.filter((test) => test.result().state === state).length;
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const broken = suites.filter((suite) => suite.errors().length > 0).length;
  return `${count('passed')} passed, ${count('failed') + broken + errors.length} failed, ${count('skipped') + count('pending')} skipped`;
}
