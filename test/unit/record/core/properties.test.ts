// What holds of events whatever the order of recording, answers, failures and tokens.
import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import { FakeApiServer, LostAnswerError, networkError, podNamed, settle, status } from './fakes.ts';

describe('EventBroadcaster, in any order of calls', () => {
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

  it('has the recorded counts on the server once tokens have returned', () =>
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

  it('has those counts there for any order of the server’s answers', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(happening, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (scheduler, happenings, burstSize, concurrency) => {
          const clock = FakeTimers.install({ now: Date.UTC(2000, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
          try {
            const server = new FakeApiServer();
            const events = new EventBroadcaster({ burstSize, concurrency, now: () => Date.now(), random: () => 0.3 });
            const inTurn = <T>(call: () => Promise<T>) => scheduler.schedule(Promise.resolve()).then(call);
            events.startRecordingToSink({
              create: event => inTurn(() => server.create(event)),
              patch: (event, patch) => inTurn(() => server.patch(event, patch)),
            });
            const recorder = events.newRecorder({ component: 'c' });
            const recorded = new Map<string, number>();
            for (const { gapMs, name, type, reason, message, failure } of happenings) {
              server.failures.push(failure);
              recorder.event(podNamed(name), type, reason, message);
              const key = [name, type, reason, message].join('/');
              recorded.set(key, (recorded.get(key) ?? 0) + 1);
              await clock.tickAsync(gapMs);
              if (gapMs === 1 && scheduler.count() > 0) await scheduler.waitNext(1);
            }
            for (let token = 0; token < 60; token += 1) {
              await scheduler.waitIdle();
              await clock.tickAsync(300_000);
            }
            await scheduler.waitIdle();
            const stored = [...server.stored.values()].map(event => [keyOf(event), event.count] as const);
            expect(stored.sort()).to.deep.equal([...recorded].sort());
            await events.shutdown();
          } finally {
            clock.uninstall();
          }
        },
      ),
      { numRuns: 60 },
    ));

  it('counts each recorded event in exactly one event on each server, also with aggregates and failures', () =>
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

  it('accounts for every event: delivered, dropped for a cause, or reported by shutdown; never writes one event twice at a time', () =>
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
