// mocha's usual report, and the counts of the run in a file, which test.ts adds up over the rungs.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const counts: TestCounts = { passed: this.stats.passes, failed: this.stats.failures, skipped: this.stats.pending };
      writeFileSync(output, JSON.stringify(counts));
    });
  }
}
