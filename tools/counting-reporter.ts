// mocha's usual report, and the counts of the run in a file, which test.ts adds up over the rungs.
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import Mocha from 'mocha';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a run of mocha leaves in its file. */
export interface TestReport extends TestCounts {
  /** The tests and hooks that failed: the title of each, and why. */
  readonly failures: readonly string[];
}

export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    const failures: string[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) =>
      failures.push(`${test.fullTitle()}\n${reasonOf(error as FailedAssertion)}`),
    );
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      const report: TestReport = { passed, failed, skipped, failures };
      writeFileSync(output, JSON.stringify(report));
    });
  }
}

/** An error of an assertion; the values are missing in others. */
type FailedAssertion = Error & { readonly actual?: unknown; readonly expected?: unknown };

const longestReason = 4000;

/** The message, with both values of a comparison: the message of chai abbreviates them; then those of its causes. Each line is indented. */
function reasonOf({ message, actual, expected, cause }: FailedAssertion): string {
  const show = (value: unknown): string => inspect(value, { depth: 6, maxStringLength: 1500, breakLength: 140 });
  const values = actual === undefined && expected === undefined ? [] : [`actual: ${show(actual)}`, `expected: ${show(expected)}`];
  const reason = [message, ...values].join('\n').slice(0, longestReason).replaceAll(/^/gm, '    ');
  return cause instanceof Error ? `${reason}\n    because:\n${reasonOf(cause)}` : reason;
}
