import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import fc from 'fast-check';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { shortNote, type EventsV1Event } from '../../../../src/record/events/event.ts';
import { networkError, settle, status } from '../core/fakes.ts';
import { countOf, FakeEventsServer, minutes, podNamed, reporter, startMs } from './fakes.ts';

const happening = fc.record({
  gapMs: fc.constantFrom(0, 0, 1, 50, 5_000, 3 * minutes, 7 * minutes),
  name: fc.constantFrom('a', 'b', 'c'),
  type: fc.constantFrom('Normal' as const, 'Warning' as const),
  action: fc.constantFrom('Acting', 'Resting'),
  note: fc.constantFrom('m', 'n'),
  /** What the next write fails with. */
  failure: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    networkError(),
    status(429, 'TooManyRequests'),
    status(503, 'ServiceUnavailable'),
  ),
});

const keyOf = ({ type, action, regarding }: EventsV1Event): string => [regarding.name, type, action].join('/');
const sumOf = (counts: Iterable<number>): number => [...counts].reduce((sum, count) => sum + count, 0);

describe('EventsV1Broadcaster, in any order of calls', () => {
  it('has the recorded counts on the server once all series are finished', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 200 }),
        async (happenings, cacheSize, latencyMs) => {
          const clock = FakeTimers.install({ now: startMs, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
          try {
            const server = new FakeEventsServer();
            server.latencyMs = latencyMs;
            const events = new EventsV1Broadcaster({ cacheSize, concurrency: 2, now: () => Date.now(), random: () => 0.3 });
            events.startRecordingToSink(server);
            const recorder = events.newRecorder(reporter);
            const recorded = new Map<string, number>();
            for (const { gapMs, name, type, action, note, failure } of happenings) {
              await clock.tickAsync(gapMs);
              server.failures.push(failure);
              recorder.eventf(podNamed(name), undefined, type, 'Reason', action, note);
              const key = [name, type, action].join('/');
              recorded.set(key, (recorded.get(key) ?? 0) + 1);
            }
            await clock.tickAsync(60 * minutes);
            const stored = new Map<string, number>();
            for (const event of server.stored.values())
              stored.set(keyOf(event), (stored.get(keyOf(event)) ?? 0) + countOf(event));
            expect([...stored].sort()).to.deep.equal([...recorded].sort());
            expect(events.counts).to.include({ recorded: happenings.length, delivered: happenings.length });
            await events.shutdown();
          } finally {
            clock.uninstall();
          }
        },
      ),
      { numRuns: 100 },
    ));

  it('never writes one event twice at a time, nor a lower count after a higher, and accounts for every event', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(happening, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 4 }),
        fc.boolean(),
        async (scheduler, happenings, concurrency, cacheSize, isDownEarly) => {
          const server = new FakeEventsServer();
          const underWay = new Set<string>();
          const highest = new Map<string, number>();
          const guarded = async <T>({ metadata: { name } }: EventsV1Event, count: number, call: () => Promise<T>): Promise<T> => {
            expect(underWay.has(name)).to.equal(false);
            underWay.add(name);
            expect(underWay.size).to.be.at.most(concurrency);
            expect(count).to.be.at.least(highest.get(name) ?? 0);
            highest.set(name, count);
            try {
              await scheduler.schedule(Promise.resolve());
              return await call();
            } finally {
              underWay.delete(name);
            }
          };
          const events = new EventsV1Broadcaster({ concurrency, cacheSize, maxQueuedEvents: 5, sleepDurationMs: 0 });
          events.startRecordingToSink({
            create: event => guarded(event, countOf(event), () => server.create(event)),
            patch: (event, patch) => guarded(event, patch.series.count, () => server.patch(event, patch)),
          });
          const recorder = events.newRecorder(reporter);
          for (const { name, type, action, note, gapMs, failure } of happenings) {
            server.failures.push(failure === undefined || isDownEarly ? undefined : status(422, 'Invalid'));
            recorder.eventf(podNamed(name), undefined, type, 'Reason', action, note);
            if (gapMs > 0) await settle();
          }
          const down = events.shutdown(isDownEarly ? { drainTimeoutMs: 0 } : {});
          await scheduler.waitFor(down);
          const { recorded, delivered, dropped } = events.counts;
          expect(recorded).to.equal(happenings.length);
          expect(delivered + sumOf(Object.values(dropped))).to.equal(recorded);
          if (!isDownEarly) expect(sumOf(server.counts())).to.be.within(delivered, recorded);
          await scheduler.waitIdle();
        },
      ),
      { numRuns: 200 },
    ));

  it('never throws to the caller, for any recorded value and any behaviour of the sink', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.anything(), fc.anything(), fc.anything(), fc.anything(), fc.anything(), fc.array(fc.anything())), {
          minLength: 1,
          maxLength: 10,
        }),
        fc.anything(),
        fc.boolean(),
        async (calls, answer, isThrown) => {
          const sinkMethod = () => {
            if (isThrown) throw answer;
            return answer as Promise<EventsV1Event>;
          };
          const events = new EventsV1Broadcaster({ sleepDurationMs: 0 });
          events.startRecordingToSink({ create: sinkMethod, patch: sinkMethod });
          const recorder = events.newRecorder(reporter);
          for (const [regarding, related, annotations, reason, action, args] of calls)
            (recorder.annotatedEventf as (...given: unknown[]) => void).call(
              ...[recorder, regarding, related, annotations, 'Normal', reason, action, '%s %d %j', ...args],
            );
          recorder.eventf(podNamed('a'), undefined, 'Normal', 'Reason', 'Acting', 'kept');
          await settle();
          await events.shutdown({ drainTimeoutMs: 0 });
          const { recorded, delivered, dropped } = events.counts;
          expect(recorded).to.be.at.least(1);
          expect(delivered + sumOf(Object.values(dropped))).to.equal(recorded);
        },
      ),
      { numRuns: 200 },
    ));

  it('sends notes of at most 1024 bytes that are well-formed and begin as they were recorded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 700 }), note => {
        const short = shortNote(note);
        const bytes = new TextEncoder().encode(short);
        expect(bytes.length).to.be.at.most(1024);
        // Nothing was cut in two: that would have come back as a replacement character.
        expect(new TextDecoder().decode(bytes)).to.equal(short);
        if (short !== note) expect(note.startsWith(short.slice(0, -1)) && short.endsWith('…')).to.equal(true);
        else expect(new TextEncoder().encode(note).length).to.be.at.most(1024);
      }),
    );
  });
});
