import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { WorkQueue } from '../../../src/runtime/work-queue.ts';
import { Metrics } from '../../../src/metrics/prometheus.ts';

describe('WorkQueue', () => {
  let clock: Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    // A timer that is left over is a leak of the queue.
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  describe('as a set', () => {
    it('hands out keys in the order in which they were added', async () => {
      const queue = new WorkQueue();
      for (const key of ['c', 'a', 'b']) queue.add(key);
      expect([await queue.get(), await queue.get(), await queue.get()]).to.deep.equal(['c', 'a', 'b']);
    });

    it('contains a key once, however often it is added (TestAddWhileProcessing)', async () => {
      const queue = new WorkQueue();
      for (let count = 0; count < 50; count += 1) queue.add('a');
      expect(queue.length).to.equal(1);
      expect(await queue.get()).to.equal('a');
      expect(queue.length).to.equal(0);
    });

    it('requeues a key that was added during its work only when that is done (TestReinsert)', async () => {
      const queue = new WorkQueue();
      queue.add('a');
      await queue.get();
      queue.add('a');
      queue.add('a');
      expect(queue.length).to.equal(0);
      queue.done('a');
      expect(queue.length).to.equal(1);
      expect(await queue.get()).to.equal('a');
      queue.done('a');
      expect(queue.length).to.equal(0);
    });

    it('puts a key that was added during its work behind those that wait already', async () => {
      const queue = new WorkQueue();
      queue.add('a');
      await queue.get();
      queue.add('a');
      queue.add('b');
      queue.done('a');
      expect([await queue.get(), await queue.get()]).to.deep.equal(['b', 'a']);
    });

    it('wakes waiting workers in the order of their calls', async () => {
      const queue = new WorkQueue();
      const taken: string[] = [];
      const first = queue.get().then(key => taken.push(`first ${key ?? ''}`));
      const second = queue.get().then(key => taken.push(`second ${key ?? ''}`));
      queue.add('a');
      queue.add('b');
      await Promise.all([first, second]);
      expect(taken).to.deep.equal(['first a', 'second b']);
    });

    it('ignores done() for a key that no worker has', () => {
      const queue = new WorkQueue();
      queue.add('a');
      queue.done('a');
      expect(queue.length).to.equal(1);
    });
  });

  describe('shutdown', () => {
    it('hands out the waiting keys, then undefined (TestBasic)', async () => {
      const queue = new WorkQueue();
      queue.add('a');
      queue.shutDown();
      queue.add('b');
      expect([await queue.get(), await queue.get()]).to.deep.equal(['a', undefined]);
    });

    it('wakes waiting workers', async () => {
      const queue = new WorkQueue();
      const waiting = [queue.get(), queue.get()];
      queue.shutDown();
      expect(await Promise.all(waiting)).to.deep.equal([undefined, undefined]);
    });

    it('drops delayed keys, and leaves no timer', async () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 1_000);
      queue.addRateLimited('b');
      queue.shutDown();
      queue.addAfter('c', 1);
      await clock.tickAsync(2_000);
      expect(await queue.get()).to.equal(undefined);
    });

    it('still hands out a key that was added during its work', async () => {
      const queue = new WorkQueue();
      queue.add('a');
      queue.add('b');
      await queue.get();
      queue.add('a');
      queue.shutDown();
      queue.done('a');
      expect([await queue.get(), await queue.get()]).to.deep.equal(['b', 'a']);
      queue.done('a');
      expect(await queue.get()).to.equal(undefined);
    });

    it('has no effect when it is repeated', async () => {
      const queue = new WorkQueue();
      queue.shutDown();
      queue.shutDown();
      expect(await queue.get()).to.equal(undefined);
    });
  });

  describe('delays', () => {
    it('adds a key when it is due, not before (TestSimpleQueue)', async () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 50);
      await clock.tickAsync(49);
      expect(queue.length).to.equal(0);
      await clock.tickAsync(1);
      expect(queue.length).to.equal(1);
    });

    it('uses the earliest of several due times of a key (TestDeduping)', async () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 50);
      queue.addAfter('a', 30);
      queue.addAfter('a', 70);
      await clock.tickAsync(30);
      expect(await queue.get()).to.equal('a');
      queue.done('a');
      await clock.tickAsync(100);
      expect(queue.length).to.equal(0);
    });

    it('adds at once without a delay, with a negative one, and with NaN (TestAddTwoFireEarly)', () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 0);
      queue.addAfter('b', -5);
      queue.addAfter('c', Number.NaN);
      expect(queue.length).to.equal(3);
    });

    it('hands out many keys in the order of their due times (TestCopyShifting)', async () => {
      const queue = new WorkQueue();
      for (const [key, ms] of Object.entries({ first: 1_000, second: 500, third: 250 })) queue.addAfter(key, ms);
      await clock.tickAsync(2_000);
      expect([await queue.get(), await queue.get(), await queue.get()]).to.deep.equal(['third', 'second', 'first']);
    });

    it('does not add a key at once whose delay exceeds the longest timer', async () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 2 ** 40);
      await clock.tickAsync(1_000);
      expect(queue.length).to.equal(0);
      queue.shutDown();
    });
  });

  describe('rate limits', () => {
    it('doubles the delay of a key with each failure, up to the longest (TestItemExponentialFailureRateLimiterOverFlow)', () => {
      const queue = new WorkQueue({ baseDelayMs: 5, maxDelayMs: 1_000_000, burst: 1_000 });
      const delays: number[] = [];
      for (let failures = 0; failures < 2_000; failures += 1) {
        queue.addRateLimited('a');
        const addedAtMs = performance.now();
        clock.next();
        delays.push(performance.now() - addedAtMs);
        void queue.get();
        queue.done('a');
      }
      expect(delays.slice(0, 5)).to.deep.equal([5, 10, 20, 40, 80]);
      expect(Math.max(...delays)).to.equal(1_000_000);
      expect(delays.at(-1)).to.equal(1_000_000);
    });

    it('counts failures for each key until forget() (TestRateLimitingQueue)', async () => {
      const queue = new WorkQueue({ baseDelayMs: 1 });
      queue.addRateLimited('one');
      queue.addRateLimited('one');
      queue.addRateLimited('two');
      expect([queue.numRequeues('one'), queue.numRequeues('two'), queue.numRequeues('three')]).to.deep.equal([2, 1, 0]);
      queue.forget('one');
      expect(queue.numRequeues('one')).to.equal(0);
      await clock.tickAsync(1);
      queue.shutDown();
    });

    it('limits the rate of all keys together once the burst is used', async () => {
      const queue = new WorkQueue({ baseDelayMs: 1, qps: 10, burst: 100 });
      for (let index = 0; index < 120; index += 1) queue.addRateLimited(`key-${index}`);
      await clock.tickAsync(1);
      expect(queue.length).to.equal(100);
      await clock.tickAsync(1_000);
      expect(queue.length).to.equal(110);
      await clock.tickAsync(1_000);
      expect(queue.length).to.equal(120);
    });
  });

  it('refuses a rate with which a retry would never come', () => {
    for (const qps of [0, -1, NaN, Infinity]) expect(() => new WorkQueue({ qps })).to.throw(RangeError, 'qps must be');
    for (const burst of [0, NaN, Infinity]) expect(() => new WorkQueue({ burst })).to.throw(RangeError, 'burst must be');
  });

  it('does not slow 10,000 keys because three fail permanently', async () => {
    const queue = new WorkQueue({ maxDelayMs: 30_000 });
    const failing = new Set(['key-0', 'key-5000', 'key-9999']);
    const keys = Array.from({ length: 10_000 }, (_, index) => `key-${index}`);
    const finished = new Map<string, number>();
    const tries = new Map<string, number>();
    const worker = async () => {
      for (;;) {
        const key = await queue.get();
        if (key === undefined) return;
        // A reconcile takes 10 ms.
        await new Promise(resolve => setTimeout(resolve, 10));
        tries.set(key, (tries.get(key) ?? 0) + 1);
        if (failing.has(key)) queue.addRateLimited(key);
        else {
          queue.forget(key);
          finished.set(key, clock.now);
        }
        queue.done(key);
      }
    };
    for (const key of keys) queue.add(key);
    const workers = Promise.all(Array.from({ length: 10 }, worker));
    await clock.tickAsync(60_000);
    expect(finished.size).to.equal(9_997);
    // 10,000 keys of 10 ms by ten workers are 10 s; what the three may add is their own few tries.
    const retries = [...failing].reduce((sum, key) => sum + (tries.get(key) ?? 0), 0);
    expect(Math.max(...finished.values())).to.be.at.most(10_000 + retries * 10);
    expect(retries).to.be.within(3 * 10, 3 * 15);
    for (const key of keys) if (!failing.has(key)) expect(tries.get(key), key).to.equal(1);
    queue.shutDown();
    await clock.tickAsync(10);
    await workers;
  });

  it('reports metrics under the names of client-go', async () => {
    const metrics = new Metrics();
    const queue = new WorkQueue({ name: 'networks', metrics: metrics.workQueue });
    queue.add('a');
    queue.add('b');
    queue.add('a');
    clock.tick(2_000);
    await queue.get();
    clock.tick(3_000);
    queue.addAfter('c', 500);
    const labels = '{name="networks",controller="networks"}';
    const text = await metrics.text();
    for (const line of [
      `workqueue_depth${labels} 1`,
      `workqueue_adds_total${labels} 2`,
      `workqueue_retries_total${labels} 1`,
      `workqueue_queue_duration_seconds_sum${labels} 2`,
      `workqueue_unfinished_work_seconds${labels} 3`,
      `workqueue_longest_running_processor_seconds${labels} 3`,
    ])
      expect(text).to.include(line);
    queue.done('a');
    expect(await metrics.text()).to.include(`workqueue_work_duration_seconds_sum${labels} 3`);
    queue.shutDown();
  });

  it('counts in its depth, as client-go, a key that was added again during its work, and not a delayed key', async () => {
    const metrics = new Metrics();
    const queue = new WorkQueue({ name: 'networks', metrics: metrics.workQueue });
    const depth = async () => /^workqueue_depth\{.*\} (\d+)$/m.exec(await metrics.text())?.[1];
    queue.add('a');
    queue.addAfter('b', 500);
    expect(await depth()).to.equal('1');
    await queue.get();
    expect(await depth()).to.equal('0');
    queue.add('a');
    expect(await depth()).to.equal('1');
    queue.done('a');
    expect(await depth()).to.equal('1');
    await queue.get();
    expect(await depth()).to.equal('0');
    queue.shutDown();
  });

  describe('whatever happens in whatever order', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key }),
      fc.record({ kind: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 0, max: 100 }) }),
      fc.record({ kind: fc.constant('addRateLimited' as const), key }),
      fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 200 }) }),
    );

    it('gives a key to one worker at a time, and to a worker after it was last added', async () => {
      const property = fc.asyncProperty(fc.scheduler(), fc.array(operation, { maxLength: 40 }), async (scheduler, operations) => {
        const queue = new WorkQueue();
        const world = {
          inWork: new Set<string>(),
          lastAdd: new Map<string, number>(),
          lastTake: new Map<string, number>(),
          step: 0,
        };
        const next = () => (world.step += 1);
        const worker = async () => {
          for (;;) {
            const taken = await queue.get();
            if (taken === undefined) return;
            expect(world.inWork.has(taken), `${taken} has two workers`).to.equal(false);
            world.inWork.add(taken);
            world.lastTake.set(taken, next());
            await scheduler.schedule(Promise.resolve(), 'work');
            world.inWork.delete(taken);
            queue.done(taken);
          }
        };
        const workers = Promise.all([worker(), worker(), worker()]);
        const producer = (async () => {
          for (const each of operations) {
            await scheduler.schedule(Promise.resolve(), each.kind);
            if (each.kind === 'tick') clock.tick(each.ms);
            else world.lastAdd.set(each.key, next());
            if (each.kind === 'add') queue.add(each.key);
            if (each.kind === 'addAfter') queue.addAfter(each.key, each.ms);
            if (each.kind === 'addRateLimited') queue.addRateLimited(each.key);
          }
        })();
        await scheduler.waitFor(producer);
        clock.tick(10_000_000);
        queue.shutDown();
        await scheduler.waitFor(workers);
        for (const [added, step] of world.lastAdd) expect(world.lastTake.get(added), `${added} was lost`).to.be.above(step);
      });
      await fc.assert(property, { numRuns: 300 });
    });
  });
});
