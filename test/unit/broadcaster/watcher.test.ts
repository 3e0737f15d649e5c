import { expect } from 'chai';
import { firstValueFrom } from 'rxjs';
import { Broadcaster } from '../../../src/broadcaster/broadcaster.ts';
import type { WatchEvent } from '../../../src/broadcaster/watcher.ts';

function dropping(queueLength: number): Broadcaster<number> {
  return new Broadcaster<number>({ queueLength, fullChannelBehavior: 'DropIfChannelFull' });
}

function send(broadcaster: Broadcaster<number>, ...objects: number[]): void {
  for (const object of objects) broadcaster.actionOrDrop('ADDED', object);
}

describe('Watcher', () => {
  it('can be read to its end after stop, and receives nothing more', async () => {
    const broadcaster = dropping(5);
    const watcher = broadcaster.watch();
    send(broadcaster, 1, 2);
    watcher.stop();
    send(broadcaster, 3);
    const seen: number[] = [];
    for await (const { object } of watcher) seen.push(object);
    expect(seen).to.deep.equal([1, 2]);
    expect(watcher.isStopped).to.equal(true);
  });

  it('without a queue receives only events that a reader waits for', async () => {
    const broadcaster = dropping(0);
    const watcher = broadcaster.watch();
    const iterator = watcher[Symbol.asyncIterator]();
    send(broadcaster, 1);
    const next = iterator.next();
    send(broadcaster, 2, 3);
    expect(await next).to.deep.equal({ value: { type: 'ADDED', object: 2 }, done: false });
    expect(watcher.dropped).to.equal(2);
  });

  it('stops when its loop is left', async () => {
    const broadcaster = dropping(5);
    const watcher = broadcaster.watch();
    send(broadcaster, 1, 2);
    for await (const { object } of watcher) if (object === 1) break;
    expect(watcher.isStopped).to.equal(true);
    expect(watcher.size).to.equal(0);
  });

  it('queues while a handler is busy, and drops the newest beyond its length', async () => {
    const broadcaster = dropping(2);
    const watcher = broadcaster.watch();
    const seen: number[] = [];
    let release = () => undefined as void;
    const consumer = watcher.forEach(({ object }) => {
      seen.push(object);
      return object > 1 ? undefined : new Promise<void>(resolve => (release = resolve));
    });
    send(broadcaster, 1, 2, 3, 4);
    expect(seen).to.deep.equal([1]);
    expect([watcher.size, watcher.dropped]).to.deep.equal([2, 1]);
    release();
    await broadcaster.shutdown();
    await consumer;
    expect(seen).to.deep.equal([1, 2, 3]);
  });

  for (const [what, handler] of [
    [
      'throws',
      () => {
        throw new Error('handler');
      },
    ],
    ['rejects', () => Promise.reject(new Error('handler'))],
  ] as const)
    it(`stops when its handler ${what}, rejects with that, and harms no other watcher`, async () => {
      const broadcaster = dropping(5);
      const watcher = broadcaster.watch();
      const failed = watcher.forEach(handler).catch((error: unknown) => error);
      const seen: number[] = [];
      void broadcaster.watch().forEach(({ object }) => seen.push(object));
      send(broadcaster, 1);
      expect(await failed).to.have.property('message', 'handler');
      send(broadcaster, 2);
      expect(watcher.isStopped).to.equal(true);
      expect(seen).to.deep.equal([1, 2]);
    });

  it('leaves queued events when the signal of forEach aborts, after the current handler', async () => {
    const broadcaster = dropping(5);
    const abort = new AbortController();
    const watcher = broadcaster.watch();
    let release = () => undefined as void;
    const seen: number[] = [];
    const consumer = watcher.forEach(({ object }) => (seen.push(object), new Promise<void>(resolve => (release = resolve))), {
      signal: abort.signal,
    });
    send(broadcaster, 1, 2);
    abort.abort();
    release();
    await consumer;
    expect(seen).to.deep.equal([1]);
    const other = broadcaster.watch();
    send(broadcaster, 3);
    await other.forEach(() => expect.fail('aborted before'), { signal: abort.signal });
  });

  it('stops when its signal aborts, also if it has aborted before', () => {
    const broadcaster = dropping(5);
    const abort = new AbortController();
    const watcher = broadcaster.watch({ signal: abort.signal });
    abort.abort();
    expect(watcher.isStopped).to.equal(true);
    expect(broadcaster.watch({ signal: abort.signal }).isStopped).to.equal(true);
  });

  it('emits results to many subscribers, queues without one, and loses nothing between two subscriptions', async () => {
    const broadcaster = dropping(5);
    const watcher = broadcaster.watch();
    send(broadcaster, 1, 2);
    expect((await firstValueFrom(watcher.results)).object).to.equal(1);
    const [one, other]: number[][] = [[], []];
    let completed = 0;
    watcher.results.subscribe({ next: ({ object }) => one!.push(object), complete: () => (completed += 1) });
    watcher.results.subscribe({ next: ({ object }) => other!.push(object), complete: () => (completed += 1) });
    send(broadcaster, 3);
    await broadcaster.shutdown();
    expect([one, other]).to.deep.equal([[2, 3], [3]]);
    expect(completed).to.equal(2);
    watcher.results.subscribe({ complete: () => (completed += 1) });
    expect(completed).to.equal(3);
  });

  it('blocks the broadcaster in wait mode until there is a subscriber', async () => {
    const broadcaster = new Broadcaster<number>({ queueLength: 1 });
    const watcher = broadcaster.watch();
    await Promise.all([1, 2, 3].map(object => broadcaster.action('ADDED', object)));
    const down = broadcaster.shutdown();
    const seen: number[] = [];
    watcher.results.subscribe(({ object }) => seen.push(object));
    await down;
    expect(seen).to.deep.equal([1, 2, 3]);
  });

  it('has one consumer: a second one is refused, by any method', async () => {
    const broadcaster = dropping(5);
    const iterated = broadcaster.watch();
    void iterated.forEach(() => undefined);
    expect(() => iterated[Symbol.asyncIterator]()).to.throw('already');
    expect(await firstValueFrom(iterated.results).catch((error: unknown) => error)).to.be.instanceOf(Error);
    const subscribed = broadcaster.watch();
    subscribed.results.subscribe();
    expect(() => subscribed.forEach(() => undefined)).to.throw('already');
  });

  it('stops at the end of its scope', () => {
    const broadcaster = dropping(5);
    let scoped;
    {
      using watcher = broadcaster.watch();
      scoped = watcher;
    }
    expect(scoped.isStopped).to.equal(true);
  });

  it('completes a waiting iteration once', async () => {
    const broadcaster = dropping(5);
    const watcher = broadcaster.watch();
    const iterator: AsyncIterator<WatchEvent<number>, undefined> = watcher[Symbol.asyncIterator]();
    const [first, second] = [iterator.next(), iterator.next()];
    watcher.stop();
    expect([await first, await second, await iterator.next()].map(({ done }) => done)).to.deep.equal([true, true, true]);
  });
});
