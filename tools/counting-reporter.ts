// mocha's usual report, and the counts of the run in a file, which test.ts adds up over the rungs.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a run of mocha leaves in its file. */
export interface TestReport extends TestCounts {
  /** The titles of the tests and hooks that failed. */
  readonly failures: readonly string[];
}

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    const failures: string[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, test => failures.push(test.fullTitle()));
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      const report: TestReport = { passed, failed, skipped, failures };
      writeFileSync(output, JSON.stringify(report));
    });
  }
}
