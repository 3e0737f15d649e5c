import { expect } from 'chai';
import { filter, firstValueFrom, map, take, toArray } from 'rxjs';
import { FullChannelBehavior } from '../../../src/broadcaster/options.ts';
import {
  Broadcaster,
  BroadcasterStoppedError,
  newBroadcaster,
  newLongQueueBroadcaster,
} from '../../../src/broadcaster/broadcaster.ts';
import { newEmptyWatch, type WatchEvent, type Watcher } from '../../../src/broadcaster/watcher.ts';

const { DropIfChannelFull, WaitIfChannelFull } = FullChannelBehavior;

/** Runs all pending microtasks. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** What is left in a watcher, read to its end. */
async function rest<T>(watcher: Watcher<T>): Promise<T[]> {
  const objects: T[] = [];
  for await (const { object } of watcher) objects.push(object);
  return objects;
}

describe('Broadcaster', () => {
  it('sends every event to all watchers in order, and completes them at shutdown (TestBroadcaster)', async () => {
    const table: WatchEvent<string>[] = [
      { type: 'ADDED', object: 'hello world 1' },
      { type: 'ADDED', object: 'hello world 2' },
      { type: 'MODIFIED', object: 'goodbye world 3' },
      { type: 'DELETED', object: 'hello world 4' },
    ];
    const broadcaster = newBroadcaster<string>(0, WaitIfChannelFull);
    const seen: WatchEvent<string>[][] = [[], []];
    const consumers = seen.map(async events => {
      for await (const event of broadcaster.watch()) events.push(event);
    });
    for (const { type, object } of table) await broadcaster.action(type, object);
    await broadcaster.shutdown();
    await Promise.all(consumers);
    expect(seen).to.deep.equal([table, table]);
  });

  it('completes one watcher by stop and the other by shutdown; a second stop has no effect (TestBroadcasterWatcherClose)', async () => {
    const broadcaster = newBroadcaster<string>(0, WaitIfChannelFull);
    const [first, second] = [broadcaster.watch(), broadcaster.watch()];
    first.stop();
    await broadcaster.shutdown();
    expect(await rest(first)).to.deep.equal([]);
    expect(await rest(second)).to.deep.equal([]);
    first.stop();
    second.stop();
  });

  it('continues when the watcher that blocks it is stopped (TestBroadcasterWatcherStopDeadlock)', async () => {
    const broadcaster = newBroadcaster<string>(0, WaitIfChannelFull);
    const [first, second] = [broadcaster.watch(), broadcaster.watch()];
    await broadcaster.action('ADDED', 'a');
    await broadcaster.action('ADDED', 'b');
    second.stop();
    const seen = rest(first);
    await broadcaster.shutdown();
    expect(await seen).to.deep.equal(['a', 'b']);
  });

  it('drops the event for a full watcher, keeping the older one, and still delivers to the others (TestBroadcasterDropIfChannelFull)', async () => {
    const broadcaster = newBroadcaster<string>(1, DropIfChannelFull);
    const full = [broadcaster.watch(), broadcaster.watch()];
    const reading: string[] = [];
    void broadcaster.watch().forEach(({ object }) => reading.push(object));
    await broadcaster.action('ADDED', 'hello world 1');
    await broadcaster.action('ADDED', 'hello world 2');
    await broadcaster.shutdown();
    for (const watcher of full) expect(await rest(watcher)).to.deep.equal(['hello world 1']);
    expect(full.map(watcher => watcher.dropped)).to.deep.equal([1, 1]);
    expect(reading).to.deep.equal(['hello world 1', 'hello world 2']);
  });

  it('accepts concurrent events without a watcher (BenchmarkBroadCaster)', async () => {
    const broadcaster = newBroadcaster<number>(0, WaitIfChannelFull);
    await Promise.all(Array.from({ length: 1000 }, (_, index) => broadcaster.action('ADDED', index)));
    await broadcaster.shutdown();
  });

  it('refuses to watch after shutdown (TestBroadcasterWatchAfterShutdown)', async () => {
    const broadcaster = newBroadcaster<string>(0, WaitIfChannelFull);
    await broadcaster.shutdown();
    expect(() => broadcaster.watch()).to.throw(BroadcasterStoppedError, 'broadcaster already stopped');
    expect(() => broadcaster.watchWithPrefix([{ type: 'ADDED', object: 'a' }])).to.throw('broadcaster already stopped');
  });

  it('refuses events after shutdown (TestBroadcasterSendEventAfterShutdown)', async () => {
    const broadcaster = newBroadcaster<string>(1, DropIfChannelFull);
    const watchers = [broadcaster.watch(), broadcaster.watch()];
    await broadcaster.shutdown();
    const refused = await broadcaster.action('ADDED', 'a').catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(BroadcasterStoppedError).with.property('message', 'broadcaster already stopped');
    expect(() => broadcaster.actionOrDrop('ADDED', 'a')).to.throw(BroadcasterStoppedError);
    for (const watcher of watchers) expect(await rest(watcher)).to.deep.equal([]);
  });

  it('lets watchers be stopped while it shuts down (TestBroadcasterShutdownRace)', async () => {
    const broadcaster = newBroadcaster<string>(1, WaitIfChannelFull);
    const watchers = [broadcaster.watch(), broadcaster.watch()];
    for (const object of ['a', 'b', 'c']) await broadcaster.action('ADDED', object);
    const isDown = broadcaster.shutdown();
    for (const watcher of watchers) watcher.stop();
    await isDown;
    for (const watcher of watchers) expect(await rest(watcher)).to.deep.equal(['a']);
  });

  it('queues a prefix before the first live event, whatever its length', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 1, fullChannelBehavior: 'DropIfChannelFull' });
    const watcher = broadcaster.watchWithPrefix([1, 2, 3].map(object => ({ type: 'ADDED', object })));
    for (const object of [4, 5]) broadcaster.actionOrDrop('ADDED', object);
    await broadcaster.shutdown();
    expect(await rest(watcher)).to.deep.equal([1, 2, 3, 4]);
  });

  it('accepts one event more than its incoming queue holds while a watcher blocks it, and further callers wait in order', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 0 });
    const watcher = broadcaster.watch();
    const acceptedOrder: number[] = [];
    const calls = Array.from({ length: 30 }, (_, index) =>
      broadcaster.action('ADDED', index).then(() => acceptedOrder.push(index)),
    );
    expect(broadcaster.actionOrDrop('ADDED', -1)).to.equal(false);
    await settle();
    expect(acceptedOrder).to.have.length(26);
    const seen: number[] = [];
    const consumer = watcher.forEach(({ object }) => seen.push(object));
    await Promise.all(calls);
    await broadcaster.shutdown();
    await consumer;
    expect(seen).to.deep.equal(Array.from({ length: 30 }, (_, index) => index));
    expect(acceptedOrder).to.deep.equal(seen);
  });

  it('uses one length for the incoming and the other queues in the long-queue variant, 0 included', async () => {
    const broadcaster = newLongQueueBroadcaster<number>(0, WaitIfChannelFull);
    const watcher = broadcaster.watch();
    expect(broadcaster.actionOrDrop('ADDED', 1)).to.equal(true);
    expect(broadcaster.actionOrDrop('ADDED', 2)).to.equal(false);
    const waiting = broadcaster.action('ADDED', 3);
    const down = broadcaster.shutdown();
    expect(await rest(watcher)).to.deep.equal([1, 3]);
    await Promise.all([waiting, down]);
  });

  it('stops waiting when the signal aborts, and does not distribute the event', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 0, incomingQueueLength: 0 });
    const watcher = broadcaster.watch();
    await broadcaster.action('ADDED', 1);
    const abort = new AbortController();
    const given = broadcaster.action('ADDED', 2, { signal: abort.signal }).catch((error: unknown) => error);
    abort.abort(new Error('enough'));
    expect(await given).to.have.property('message', 'enough');
    expect(await broadcaster.action('ADDED', 3, { signal: abort.signal }).catch((error: unknown) => error)).to.have.property(
      'message',
      'enough',
    );
    const down = broadcaster.shutdown();
    expect(await rest(watcher)).to.deep.equal([1]);
    await down;
  });

  it('distributes nothing if the signal has aborted before', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 1 });
    const watcher = broadcaster.watch();
    const given = broadcaster.action('ADDED', 1, { signal: AbortSignal.abort(new Error('enough')) });
    expect(await given.catch((error: unknown) => error)).to.have.property('message', 'enough');
    expect(watcher.size).to.equal(0);
  });

  it('reports the events that it drops', () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 1, fullChannelBehavior: 'DropIfChannelFull' });
    const watcher = broadcaster.watch();
    const drops: unknown[] = [];
    broadcaster.drops.subscribe(drop => drops.push(drop));
    for (const object of [1, 2]) broadcaster.actionOrDrop('ADDED', object);
    expect(drops).to.deep.equal([{ event: { type: 'ADDED', object: 2 }, at: 'watcher', watcher }]);
  });

  it('distributes an event that a consumer sends from its handler after the current one, to all', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const seen: string[] = [];
    void broadcaster.watch().forEach(({ object }) => {
      seen.push(`first ${object}`);
      if (object === 1) void broadcaster.action('ADDED', 2);
    });
    void broadcaster.watch().forEach(({ object }) => seen.push(`second ${object}`));
    await broadcaster.action('ADDED', 1);
    expect(seen).to.deep.equal(['first 1', 'second 1', 'first 2', 'second 2']);
  });

  it('completes all watchers when a consumer shuts it down from a handler', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 10 });
    const consumer = broadcaster.watch().forEach(() => broadcaster.shutdown());
    await broadcaster.action('ADDED', 1);
    await consumer;
    expect(broadcaster.stopped).to.equal(true);
  });

  it('shuts down when its signal aborts, at once for an aborted one, and at the end of its scope', async () => {
    const abort = new AbortController();
    const broadcaster = new Broadcaster<number>({ queueLength: 1, signal: abort.signal });
    const watcher = broadcaster.watch();
    abort.abort();
    expect(await rest(watcher)).to.deep.equal([]);
    expect(new Broadcaster({ queueLength: 1, signal: abort.signal }).stopped).to.equal(true);
    let scoped;
    {
      await using inner = new Broadcaster<number>({ queueLength: 1 });
      scoped = inner;
    }
    expect(scoped.stopped).to.equal(true);
  });

  it('adds one watcher for each subscription to events$, and stops it with the subscription', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 0 });
    const twoOdd = firstValueFrom(
      broadcaster.events$.pipe(
        filter(({ object }) => object % 2 === 1),
        map(({ object }) => object),
        take(2),
        toArray(),
      ),
    );
    for (let object = 0; object < 10; object += 1) await broadcaster.action('ADDED', object);
    expect(await twoOdd).to.deep.equal([1, 3]);
    await broadcaster.shutdown();
    const late = await firstValueFrom(broadcaster.events$).catch((error: unknown) => error);
    expect(late).to.be.instanceOf(BroadcasterStoppedError);
  });

  it('passes on an object that is null, and one object to all', async () => {
    const broadcaster = new Broadcaster<object | null>({ queueLength: 2 });
    const [first, second] = [broadcaster.watch(), broadcaster.watch()];
    const object = {};
    await broadcaster.action('ERROR', null);
    await broadcaster.action('ADDED', object);
    await broadcaster.shutdown();
    const [seen, alsoSeen] = [await rest(first), await rest(second)];
    expect(seen[0]).to.equal(null);
    expect(seen[1]).to.equal(object);
    expect(alsoSeen[1]).to.equal(object);
  });

  it('provides an empty watch that has completed', async () => {
    const watcher = newEmptyWatch<number>();
    watcher.stop();
    expect(await rest(watcher)).to.deep.equal([]);
  });
});
