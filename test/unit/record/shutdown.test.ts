import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { EventBroadcaster } from '../../../src/record/event-broadcaster.ts';
import { FakeApiServer, LostAnswerError, networkError, pod, podNamed, settle, status, withWorld } from './fakes.ts';

describe('flush', () => {
  for (const clientGoCompatible of [false, true])
    it(`waits for what was recorded before it, not for what came after${clientGoCompatible ? ', as client-go' : ''}`, () =>
      withWorld({ clientGoCompatible, concurrency: 1 }, async ({ events, server, pass }) => {
        server.latencyMs = 100;
        const recorder = events.newRecorder({ component: 'c' });
        for (const name of ['a', 'b']) recorder.event(podNamed(name), 'Normal', 'Reason', 'm');
        const flushed = events.flush(1000);
        recorder.event(podNamed('c'), 'Normal', 'Reason', 'm');
        await pass(200);
        expect(server.stored.size).to.equal(2);
        expect(await flushed).to.equal(true);
        await pass(100);
      }));

  it('says when the time was too short, and is at once where nothing is pending', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.outage = networkError();
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      const flushed = events.flush(2000);
      await pass(2000);
      expect(await flushed).to.equal(false);
      expect(await new EventBroadcaster().flush(0)).to.equal(true);
    }));
});

describe('shutdown', () => {
  it('delivers a thousand events recorded right before it to a sink of 50 ms within its five seconds', async () => {
    await withWorld({}, async ({ events, server, pass }) => {
      server.latencyMs = 50;
      const recorder = events.newRecorder({ component: 'c' });
      for (let index = 0; index < 1000; index += 1) recorder.event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
      const down = events.shutdown();
      await pass(3_200);
      expect(await down).to.deep.include({ delivered: 1000, notDelivered: 0 });
      expect(server.stored.size).to.equal(1000);
    });
  });

  it('reports what it could not deliver in time', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.latencyMs = 50;
      const recorder = events.newRecorder({ component: 'c' });
      for (let index = 0; index < 1000; index += 1) recorder.event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
      const down = events.shutdown({ drainTimeoutMs: 1020 });
      await pass(1020);
      const result = await down;
      expect(result).to.deep.include({ delivered: 320, notDelivered: 680 });
      expect(result.dropped).to.include({ shutdown: 680, queue_full: 0 });
      expect(await events.shutdown()).to.equal(result);
    }));

  it('writes what the spam filter holds back, and tries again soon what failed', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const recorder = events.newRecorder({ component: 'c' });
      for (let index = 0; index < 30; index += 1) {
        recorder.event(pod, 'Normal', 'Reason', 'held');
        await pass(1);
      }
      server.failures = [networkError(), status(503, 'ServiceUnavailable'), networkError()];
      recorder.event(podNamed('other'), 'Normal', 'Reason', 'failing');
      await pass(0);
      const down = events.shutdown();
      await pass(1000);
      expect(await down).to.deep.include({ delivered: 6, notDelivered: 0 });
      expect([server.counts('held'), server.counts('failing')]).to.deep.equal([[30], [1]]);
    }));

  it('counts as not delivered what the server rejects meanwhile', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.outage = status(403, 'Forbidden');
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      const down = events.shutdown();
      await pass(0);
      expect((await down).dropped).to.include({ rejected: 1, shutdown: 0 });
    }));

  it('as client-go loses what is queued; with time it does not', async () => {
    for (const [drainTimeoutMs, delivered] of [
      [undefined, 0],
      [1000, 5],
    ] as const)
      await withWorld({ clientGoCompatible: true }, async ({ events, server, pass }) => {
        server.latencyMs = 50;
        for (let index = 0; index < 5; index += 1)
          events.newRecorder({ component: 'c' }).event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
        const down = events.shutdown(drainTimeoutMs === undefined ? {} : { drainTimeoutMs });
        await pass(1000);
        expect((await down).delivered).to.equal(delivered);
      });
  });

  it('lets watchers handle what they have', async () => {
    const events = new EventBroadcaster();
    const handled: string[] = [];
    events.startEventWatcher(async ({ message }) => {
      await settle();
      handled.push(message);
    });
    for (const message of ['a', 'b', 'c']) events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', message);
    await events.shutdown();
    expect(handled).to.deep.equal(['a', 'b', 'c']);
  });

  it('counts what is recorded too late', async () => {
    const events = new EventBroadcaster();
    await events.shutdown();
    events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
    expect(events.counts.recorded).to.equal(1);
    expect(events.counts.dropped).to.include({ shutdown: 1, no_sink: 0 });
  });

  it('happens at the end of a scope', async () => {
    const server = new FakeApiServer();
    {
      await using events = new EventBroadcaster();
      events.startRecordingToSink(server);
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
    }
    expect(server.counts()).to.deep.equal([1]);
  });
});

describe('EventBroadcaster, whatever the order of things', () => {
  const happening = fc.record({
    gapMs: fc.constantFrom(0, 0, 1, 50, 5_000),
    name: fc.constantFrom('a', 'b'),
    type: fc.constantFrom('Normal' as const, 'Warning' as const),
    reason: fc.constantFrom('R', 'S'),
    message: fc.constantFrom('m', 'n', 'o'),
    /** What the next write fails with. */
    failure: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      networkError(),
      new LostAnswerError(),
      status(429, 'TooManyRequests'),
      status(503, 'ServiceUnavailable'),
    ),
  });

  it('has on the server, once tokens have returned, the counts that were recorded', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 20 }),
        async (happenings, burstSize, latencyMs) => {
          const clock = FakeTimers.install({ now: Date.UTC(2000, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
          try {
            const server = new FakeApiServer();
            server.latencyMs = latencyMs;
            const events = new EventBroadcaster({ burstSize, concurrency: 2, now: () => Date.now(), random: () => 0.3 });
            events.startRecordingToSink(server);
            const recorder = events.newRecorder({ component: 'c' });
            const recorded = new Map<string, number>();
            for (const { gapMs, name, type, reason, message, failure } of happenings) {
              await clock.tickAsync(gapMs);
              server.failures.push(failure);
              recorder.event(podNamed(name), type, reason, message);
              const key = [name, type, reason, message].join('/');
              recorded.set(key, (recorded.get(key) ?? 0) + 1);
            }
            await clock.tickAsync(60 * 300_000);
            const stored = new Map(
              [...server.stored.values()].map(({ involvedObject, type, reason, message, count }) => [
                [involvedObject.name, type, reason, message].join('/'),
                count,
              ]),
            );
            expect([...stored].sort()).to.deep.equal([...recorded].sort());
            expect(server.stored.size).to.equal(recorded.size);
            expect(events.counts.delivered).to.equal(happenings.length);
            await events.shutdown();
          } finally {
            clock.uninstall();
          }
        },
      ),
      { numRuns: 100 },
    ));

  it('counts each event in one event on each server, also when many become one, whatever fails', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (happenings, maxEvents, burstSize) => {
          const clock = FakeTimers.install({ now: Date.UTC(2000, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
          try {
            const servers = [new FakeApiServer(), new FakeApiServer()];
            const events = new EventBroadcaster({ burstSize, maxEvents, now: () => Date.now(), random: () => 0.3 });
            for (const server of servers) events.startRecordingToSink(server);
            const recorder = events.newRecorder({ component: 'c' });
            for (const [index, { gapMs, name, type, reason, message, failure }] of happenings.entries()) {
              await clock.tickAsync(gapMs);
              servers[index % 2]?.failures.push(failure);
              recorder.event(podNamed(name), type, reason, `${message}${index % 7}`);
            }
            await clock.tickAsync(100 * 300_000);
            for (const server of servers)
              expect(server.counts().reduce((sum, count) => sum + count, 0)).to.equal(happenings.length);
            expect(events.counts.delivered).to.equal(2 * happenings.length);
            await events.shutdown();
          } finally {
            clock.uninstall();
          }
        },
      ),
      { numRuns: 100 },
    ));

  it('accounts for every event: delivered, dropped for a cause, or reported by shutdown; never two writes of one event at a time', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(happening, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        async (scheduler, happenings, concurrency, isDownEarly) => {
          const server = new FakeApiServer();
          const underWay = new Map<string, number>();
          const guarded = async <T>(key: string, call: () => Promise<T>): Promise<T> => {
            underWay.set(key, (underWay.get(key) ?? 0) + 1);
            expect(underWay.get(key)).to.equal(1);
            expect([...underWay.values()].reduce((sum, count) => sum + count, 0)).to.be.at.most(concurrency);
            try {
              await scheduler.schedule(Promise.resolve());
              return await call();
            } finally {
              underWay.set(key, 0);
            }
          };
          const events = new EventBroadcaster({ concurrency, maxQueuedEvents: 5, sleepDurationMs: 0 });
          events.startRecordingToSink({
            create: event => guarded(keyOf(event), () => server.create(event)),
            patch: (event, patch) => guarded(keyOf(event), () => server.patch(event, patch)),
          });
          const recorder = events.newRecorder({ component: 'c' });
          for (const { name, type, reason, message, gapMs } of happenings) {
            recorder.event(podNamed(name), type, reason, message);
            if (gapMs > 0) await settle();
          }
          const down = events.shutdown(isDownEarly ? { drainTimeoutMs: 0 } : {});
          await scheduler.waitFor(down);
          const { recorded, delivered, dropped } = events.counts;
          expect(recorded).to.equal(happenings.length);
          expect(delivered + Object.values(dropped).reduce((sum, count) => sum + count, 0)).to.equal(recorded);
          if (!isDownEarly) expect(server.counts().reduce((sum, count) => sum + count, 0)).to.equal(delivered);
          await scheduler.waitIdle();
        },
      ),
      { numRuns: 100 },
    ));
});

function keyOf({ involvedObject, type, reason, message }: Parameters<FakeApiServer['create']>[0]): string {
  return [involvedObject.name, type, reason, message].join('/');
}
