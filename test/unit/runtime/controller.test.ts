import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { Subject } from 'rxjs';
import { Controller, type ControllerMetrics, type Request, type Result } from '../../../src/runtime/controller.ts';
import { LeaseLostError } from '../../../src/runtime/leader-elector.ts';
import { WorkQueue } from '../../../src/runtime/work-queue.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

describe('Controller', () => {
  let clock: Clock;
  let stop: AbortController;
  let running: Promise<void>;
  let requests: Subject<Request>;
  /** The keys of the reconciles, with their times. */
  let reconciles: [key: string, atMs: number][];
  let result: () => Result | Promise<Result>;
  let failures: string[];
  let metrics: string[];
  let logger: RecordingLogger;

  beforeEach(async () => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    [stop, requests, reconciles, failures, metrics] = [new AbortController(), new Subject(), [], [], []];
    logger = new RecordingLogger();
    result = () => ({});
    const counting: ControllerMetrics = {
      started: (name, concurrency) => metrics.push(`${name} started with ${concurrency}`),
      workerStarted: () => undefined,
      workerFinished: () => undefined,
      reconciled: (_, outcome) => metrics.push(outcome),
    };
    running = new Controller({
      ...{ name: 'test', requests, logger, concurrency: 2, metrics: counting },
      queue: new WorkQueue({ baseDelayMs: 250, maxDelayMs: 10_000 }),
      reconcile: key => {
        reconciles.push([key, clock.now]);
        return Promise.resolve().then(result);
      },
      onFailure: (key, error) => failures.push(`${key}: ${(error as Error).message}`),
    }).run(stop.signal);
    await clock.tickAsync(0);
  });

  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await running;
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  /** The times of the reconciles within five seconds of a request. */
  async function timesAfter(request: Request): Promise<number[]> {
    const startMs = clock.now;
    requests.next(request);
    await clock.tickAsync(5_000);
    return reconciles.map(([, atMs]) => atMs - startMs);
  }

  it('reconciles a key that is requested, at once or after the time that the request wants', async () => {
    expect(await timesAfter({ key: 'a' })).to.deep.equal([0]);
    reconciles = [];
    expect(await timesAfter({ key: 'a', afterMs: 30 })).to.deep.equal([30]);
  });

  it('reconciles again after the time that the result wants', async () => {
    result = () => (reconciles.length === 1 ? { requeueAfterMs: 2_000 } : {});
    expect(await timesAfter({ key: 'a' })).to.deep.equal([0, 2_000]);
    expect(metrics).to.deep.equal(['test started with 2', 'requeue_after', 'success']);
  });

  it('reconciles again with backoff when the result wants that', async () => {
    result = () => ({ requeue: 'rateLimited' });
    expect(await timesAfter({ key: 'a' })).to.deep.equal([0, 250, 750, 1_750, 3_750]);
  });

  it('retries a failure with backoff, logs it, and reports it', async () => {
    result = () => {
      throw new Error('get secrets default/x: 500');
    };
    expect(await timesAfter({ key: 'a' })).to.deep.equal([0, 250, 750, 1_750, 3_750]);
    expect(failures).to.have.length(5);
    expect(failures[0]).to.equal('a: get secrets default/x: 500');
    expect(logger.entries.filter(({ level, message }) => level === 'error' && message === 'Reconcile failed')).to.have.length(5);
  });

  it('starts the backoff from its shortest delay after a success', async () => {
    result = () => (reconciles.length === 3 ? { requeueAfterMs: 1 } : { requeue: 'rateLimited' });
    expect((await timesAfter({ key: 'a' })).slice(0, 5)).to.deep.equal([0, 250, 750, 751, 1_001]);
  });

  it('neither retries nor reports a lost lease', async () => {
    result = () => {
      throw new LeaseLostError('lease ns/name is lost');
    };
    expect(await timesAfter({ key: 'a' })).to.deep.equal([0]);
    expect(failures).to.deep.equal([]);
  });

  describe('while reconciles do not end', () => {
    let ends: ((result: Result) => void)[];
    beforeEach(async () => {
      ends = [];
      result = () => new Promise<Result>(resolve => ends.push(resolve));
      for (const key of ['a', 'b', 'c']) requests.next({ key });
      await clock.tickAsync(60_000);
    });
    afterEach(() => {
      result = () => ({});
      for (const end of ends) end({});
    });

    it('works on no more keys than its concurrency, and starts the next one when one ends', async () => {
      expect(reconciles.map(([key]) => key)).to.deep.equal(['a', 'b']);
      ends[0]?.({});
      await clock.tickAsync(0);
      expect(reconciles.map(([key]) => key)).to.deep.equal(['a', 'b', 'c']);
    });

    it('reconciles a key again that is requested meanwhile, after its reconcile and not beside it', async () => {
      requests.next({ key: 'a' });
      await clock.tickAsync(0);
      expect(reconciles).to.have.length(2);
      ends[0]?.({});
      ends[1]?.({});
      await clock.tickAsync(0);
      expect(reconciles.map(([key]) => key)).to.deep.equal(['a', 'b', 'c', 'a']);
    });

    it('ends only when they have ended', async () => {
      let hasEnded = false;
      stop.abort(new Error('the test is over'));
      const ended = running.then(() => (hasEnded = true));
      await clock.tickAsync(60_000);
      expect(hasEnded).to.equal(false);
      result = () => ({});
      for (const end of ends) end({});
      expect(await ended).to.equal(true);
    });

    it('starts none of the keys that wait once it stops', async () => {
      stop.abort(new Error('the test is over'));
      for (const end of ends) end({});
      await running;
      expect(reconciles.map(([key]) => key)).to.deep.equal(['a', 'b']);
    });
  });
});

describe('Controller, when its watches fail', () => {
  it('ends with their error: it would miss every later change', async () => {
    const requests = new Subject<Request>();
    const running = new Controller({
      ...{ name: 'test', requests, logger: new RecordingLogger(), concurrency: 2, queue: new WorkQueue() },
      reconcile: () => Promise.resolve({}),
    }).run(new AbortController().signal);
    requests.error(new Error('no watch'));
    expect(await running.catch((error: unknown) => (error as Error).message)).to.equal('no watch');
  });
});

describe('a Controller whose reconciles wait for nothing', () => {
  it('leaves the event loop to others between them', async () => {
    const queue = new WorkQueue();
    const stop = new AbortController();
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    let [reconciled, turns, isDone] = [0, 0, false];
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    const reconcile = (): Promise<Result> => {
      const startMs = performance.now();
      while (performance.now() - startMs < 1);
      reconciled += 1;
      if (reconciled === keys.length) stop.abort(new Error('the test is over'));
      return Promise.resolve({});
    };
    for (const key of keys) queue.add(key);
    setImmediate(count);
    const options = { name: 'test', requests: new Subject<Request>(), queue, reconcile, concurrency: 10 };
    await new Controller({ ...options, logger: new RecordingLogger() }).run(stop.signal);
    isDone = true;
    expect(reconciled).to.equal(keys.length);
    expect(turns).to.be.at.least(5);
  });
});
