// The benchmark of the work queue: `node bench/queue.ts CASE` prints one JSON line. The generic controller gives 10,000 keys to its
//   workers, again and again; a reconcile is a pause. Runs with and without keys that always fail alternate: the result is how much
//   longer the other keys take.
import { setTimeout as delay } from 'node:timers/promises';
import { from } from 'rxjs';
import type { Logger } from '../src/logging/logger.ts';
import { Controller, type Result } from '../src/runtime/controller.ts';
import { WorkQueue } from '../src/runtime/work-queue.ts';

const keys = 10_000;
const failing = 3;
/** How often every key that does not fail is worked on in one run. */
const passes = 10;
const rounds = 5;
/** As src/controller/network-controller.ts has them. */
const retry = { baseDelayMs: 250, maxDelayMs: 10_000, qps: 100, burst: 1_000 };
const concurrency = 100;
/** How long a reconcile waits for answers. */
const pauseMs = 1;
const cases: Readonly<Record<string, { readonly failsAfterMs: number }>> = {
  'queue-failing-at-once': { failsAfterMs: 0 },
  'queue-failing-late': { failsAfterMs: 1_000 },
};

const nothing = (): void => undefined;
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const keyOf = (index: number): string => `default/network-${index}`;

/** Works on all keys `passes` times but those that fail. */
async function run(failsAfterMs: number, fails: (key: string) => boolean): Promise<{ seconds: number; failures: number }> {
  const all = Array.from({ length: keys }, (_, index) => keyOf(index));
  const stop = new AbortController();
  const worked = new Map<string, number>();
  let left = all.filter(key => !fails(key)).length * passes;
  let failures = 0;
  const reconcile = async (key: string): Promise<Result> => {
    if (fails(key)) {
      await delay(failsAfterMs);
      failures += 1;
      throw new Error('this key always fails');
    }
    await delay(pauseMs);
    const times = (worked.get(key) ?? 0) + 1;
    worked.set(key, times);
    left -= 1;
    if (left === 0) stop.abort(new Error('done'));
    return times < passes ? { requeueAfterMs: 1 } : {};
  };
  const controller = new Controller({
    name: 'bench',
    requests: from(all.map(key => ({ key }))),
    queue: new WorkQueue(retry),
    reconcile,
    logger: silent,
    concurrency,
  });
  const startedMs = performance.now();
  const finished = new Promise<number>(resolve => {
    stop.signal.addEventListener('abort', () => resolve((performance.now() - startedMs) / 1000));
  });
  await Promise.all([controller.run(stop.signal), finished]);
  return { seconds: await finished, failures };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

async function measure(name: string, failsAfterMs: number): Promise<object> {
  const [without, withFailing]: [number[], number[]] = [[], []];
  const failingKeys = new Set(Array.from({ length: failing }, (_, index) => keyOf(((index * keys) / failing) | 0)));
  await run(failsAfterMs, () => false);
  let failures = 0;
  for (let round = 0; round < rounds; round += 1) {
    without.push((await run(failsAfterMs, () => false)).seconds);
    const result = await run(failsAfterMs, key => failingKeys.has(key));
    withFailing.push(result.seconds);
    failures += result.failures;
  }
  const [secondsWithout, seconds] = [median(without), median(withFailing)];
  return {
    case: name,
    keys,
    failing,
    failures,
    reconciles: keys * passes,
    seconds,
    secondsWithout,
    ratio: seconds / secondsWithout,
    reconcilesPerSecond: (keys * passes) / seconds,
  };
}

const [name = ''] = process.argv.slice(2);
const chosen = cases[name];
if (chosen === undefined) {
  process.stderr.write(`usage: node bench/queue.ts ${Object.keys(cases).join('|')}\n`);
  process.exitCode = name === '--help' ? 0 : 2;
} else {
  process.stdout.write(`${JSON.stringify(await measure(name, chosen.failsAfterMs))}\n`);
}
