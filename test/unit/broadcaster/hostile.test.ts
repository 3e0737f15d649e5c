// Calls of consumers into a broadcaster from their own callbacks, and the errors that they throw: other consumers are not affected.
import { expect } from 'chai';
import { getEventListeners } from 'node:events';
import { config, take } from 'rxjs';
import { Broadcaster } from '../../../src/broadcaster/broadcaster.ts';
import { Watcher } from '../../../src/broadcaster/watcher.ts';

/** Lets all that needs no timer happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** Every object that a new watcher sees, as it sees it. */
function seenBy(broadcaster: Broadcaster<number>): number[] {
  const seen: number[] = [];
  void broadcaster.watch().forEach(({ object }) => void seen.push(object));
  return seen;
}

describe('Broadcaster, with hostile consumers', () => {
  for (const incomingQueueLength of [0, 1, 25])
    it(`keeps the order when a handler sends in wait mode, with an incoming queue of ${incomingQueueLength}`, async () => {
      const broadcaster = new Broadcaster<number>({ queueLength: 0, incomingQueueLength });
      const accepted: Promise<void>[] = [];
      void broadcaster.watch().forEach(({ object }) => {
        if (object < 10) accepted.push(broadcaster.action('ADDED', object * 10), broadcaster.action('ADDED', object * 10 + 1));
      });
      const seen = seenBy(broadcaster);
      accepted.push(broadcaster.action('ADDED', 1), broadcaster.action('ADDED', 2));
      await Promise.all(accepted);
      await broadcaster.shutdown();
      expect(seen).to.deep.equal([1, 10, 11, 2, 20, 21]);
    });

  it('starts a watcher that is made in a handler with the next event', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const inner: number[][] = [];
    void broadcaster.watch().forEach(({ object }) => {
      if (object < 3) inner.push(seenBy(broadcaster));
    });
    for (const object of [1, 2, 3]) await broadcaster.action('ADDED', object);
    await broadcaster.shutdown();
    expect(inner).to.deep.equal([[2, 3], [3]]);
  });

  it('completes a watcher after its last handler has returned', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const watcher = broadcaster.watch();
    const happened: string[] = [];
    const whole = watcher
      .forEach(async () => {
        watcher.stop();
        await settle();
        happened.push('handled');
      })
      .then(() => happened.push('completed'));
    await broadcaster.action('ADDED', 1);
    await whole;
    expect(happened).to.deep.equal(['handled', 'completed']);
  });

  it('completes a watcher that its handler stops at once', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const watcher = broadcaster.watch();
    const whole = watcher.forEach(() => {
      watcher.stop();
    });
    await broadcaster.action('ADDED', 1);
    await whole;
    expect(watcher.isStopped).to.equal(true);
  });

  it('passes an event that arrives during a handler to it after it has returned', () => {
    const watcher = new Watcher<number>(10);
    const seen: (number | string)[] = [];
    void watcher.forEach(({ object }) => {
      seen.push(object);
      if (object === 1) watcher.offer({ type: 'ADDED', object: 2 });
      seen.push('returns');
    });
    watcher.offer({ type: 'ADDED', object: 1 });
    expect(seen).to.deep.equal([1, 'returns', 2, 'returns']);
  });

  it('takes the next event as soon as one was read', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 2, incomingQueueLength: 0 });
    const watcher = broadcaster.watch();
    const iterator = watcher[Symbol.asyncIterator]();
    for (const object of [1, 2, 3]) await broadcaster.action('ADDED', object);
    let isAccepted = false;
    void broadcaster.action('ADDED', 4).then(() => (isAccepted = true));
    await settle();
    expect(isAccepted).to.equal(false);
    await iterator.next();
    await settle();
    expect([isAccepted, watcher.size]).to.deep.equal([true, 2]);
  });

  it('removes its listeners from every signal', async () => {
    const { signal } = new AbortController();
    const broadcaster = new Broadcaster<number>({ queueLength: 0, incomingQueueLength: 0, signal });
    const watcher = broadcaster.watch({ signal });
    await broadcaster.action('ADDED', 1);
    const waiting = broadcaster.action('ADDED', 2, { signal });
    expect(getEventListeners(signal, 'abort')).to.have.length(3);
    const whole = watcher.forEach(() => undefined, { signal });
    await waiting;
    await broadcaster.shutdown();
    await whole;
    const stopped = new Broadcaster<number>({ queueLength: 0 }).watch({ signal });
    stopped.stop();
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('rejects with what a handler throws after it has stopped its own watcher', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const watcher = broadcaster.watch();
    const whole = watcher.forEach(async () => {
      watcher.stop();
      await settle();
      throw new Error('too late?');
    });
    await broadcaster.action('ADDED', 1);
    const outcome = await whole.then(
      () => 'completed',
      (error: unknown) => (error as Error).message,
    );
    expect(outcome).to.equal('too late?');
  });

  it('can be shut down in a handler: all see the event that is being handled and those accepted before', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const downs: Promise<void>[] = [];
    void broadcaster.watch().forEach(({ object }) => {
      if (object !== 1) return;
      broadcaster.actionOrDrop('ADDED', 2);
      downs.push(broadcaster.shutdown());
      expect(() => broadcaster.actionOrDrop('ADDED', 3)).to.throw('broadcaster already stopped');
    });
    const seen = seenBy(broadcaster);
    await broadcaster.action('ADDED', 1);
    await Promise.all(downs);
    expect(seen).to.deep.equal([1, 2]);
    expect(broadcaster.stopped).to.equal(true);
  });

  it('ends an iteration that is left while it waits for the next event, and frees the broadcaster', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 0 });
    const iterator = broadcaster.watch()[Symbol.asyncIterator]();
    const seen = seenBy(broadcaster);
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).to.deep.equal({ value: undefined, done: true });
    await broadcaster.action('ADDED', 1);
    expect(await iterator.next()).to.deep.equal({ value: undefined, done: true });
    expect(seen).to.deep.equal([1]);
  });

  it('calls a handler once at a time, whatever kind of promise it returns', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const seen: number[] = [];
    const resolves: (() => void)[] = [];
    void broadcaster.watch().forEach(({ object }) => {
      seen.push(object);
      return { then: (resolve: () => void) => resolves.push(resolve) };
    });
    for (const object of [1, 2, 3]) await broadcaster.action('ADDED', object);
    await settle();
    resolves[0]?.();
    await settle();
    expect(seen).to.deep.equal([1, 2]);
    resolves[0]?.();
    await settle();
    expect(seen).to.deep.equal([1, 2], 'the second is still pending');
    resolves[1]?.();
    await settle();
    expect(seen).to.deep.equal([1, 2, 3]);
  });

  for (const [what, hostile] of [
    ['a then that throws', { then: () => throwing() }],
    ['a then that cannot be read', Object.defineProperty({}, 'then', { get: throwing })],
    ['a promise that rejects with nothing', { then: (_: unknown, reject: (reason: unknown) => void) => reject(undefined) }],
  ] as const)
    it(`survives ${what}`, async () => {
      const broadcaster = new Broadcaster<number>({ queueLength: 10 });
      const failed = broadcaster
        .watch()
        .forEach(() => hostile)
        .then(
          () => 'completed',
          () => 'failed',
        );
      const seen = seenBy(broadcaster);
      for (const object of [1, 2]) await broadcaster.action('ADDED', object);
      expect(await failed).to.equal('failed');
      await broadcaster.shutdown();
      expect(seen).to.deep.equal([1, 2]);
    });

  it('accepts waiting callers in order and once each, although some give up', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 0, incomingQueueLength: 1 });
    const iterator = broadcaster.watch()[Symbol.asyncIterator]();
    const giveUp = new AbortController();
    const outcomes = Array.from({ length: 8 }, (_, object) =>
      broadcaster.action('ADDED', object, object % 2 === 1 ? { signal: giveUp.signal } : {}).then(
        () => `accepted ${object}`,
        (reason: unknown) => `${(reason as Error).name} ${object}`,
      ),
    );
    giveUp.abort();
    const down = broadcaster.shutdown();
    const seen: number[] = [];
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) seen.push(next.value.object);
    await down;
    // The first is held up by the watcher and the second queues: both were accepted at once.
    expect(await Promise.all(outcomes)).to.deep.equal([
      'accepted 0',
      'accepted 1',
      'accepted 2',
      'AbortError 3',
      'accepted 4',
      'AbortError 5',
      'accepted 6',
      'AbortError 7',
    ]);
    expect(seen).to.deep.equal([0, 1, 2, 4, 6]);
  });

  it('emits each drop to subscribers, also to one that shuts it down or adds a watcher', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 1, fullChannelBehavior: 'DropIfChannelFull' });
    broadcaster.watch();
    const dropped: number[] = [];
    const seen: number[][] = [];
    broadcaster.drops.subscribe(({ event }) => {
      dropped.push(event.object);
      if (event.object === 1) seen.push(seenBy(broadcaster));
      if (event.object === 3) void broadcaster.shutdown();
    });
    for (const object of [0, 1, 2, 3]) broadcaster.actionOrDrop('ADDED', object);
    await broadcaster.shutdown();
    expect([dropped, seen]).to.deep.equal([[1, 2, 3], [[2, 3]]]);
  });

  it('continues to deliver to others when a subscriber throws, and RxJS reports it', async () => {
    const reported: unknown[] = [];
    const before = config.onUnhandledError;
    config.onUnhandledError = error => reported.push(error);
    try {
      const broadcaster = new Broadcaster<number>({ queueLength: 10 });
      broadcaster.watch().results.subscribe(throwing);
      broadcaster.events$.subscribe(throwing);
      const seen = seenBy(broadcaster);
      for (const object of [1, 2]) await broadcaster.action('ADDED', object);
      await broadcaster.shutdown();
      await new Promise(resolve => setTimeout(resolve));
      expect(seen).to.deep.equal([1, 2]);
      expect(reported).to.have.length(4);
    } finally {
      config.onUnhandledError = before;
    }
  });

  it('queues for the next subscriber the events that a subscriber which unsubscribes has not seen', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const watcher = broadcaster.watch();
    const seen: number[] = [];
    for (const object of [1, 2, 3]) await broadcaster.action('ADDED', object);
    watcher.results.pipe(take(1)).subscribe(({ object }) => void seen.push(object));
    expect(seen).to.deep.equal([1]);
    watcher.results.subscribe(({ object }) => void seen.push(object));
    await broadcaster.action('ADDED', 4);
    await broadcaster.shutdown();
    expect(seen).to.deep.equal([1, 2, 3, 4]);
  });
});

function throwing(): never {
  throw new Error('hostile');
}
