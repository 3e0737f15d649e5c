import { expect } from 'chai';
import { EventTally } from '../../../../src/record/pipeline/event-counts.ts';
import { EventWriter } from '../../../../src/record/pipeline/event-writer.ts';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { eventsV1Shape, shortNote, type EventsV1Event } from '../../../../src/record/events/event.ts';
import { microTime } from '../../../../src/time/rfc3339.ts';
import { ClientGoWriter } from '../../../../src/record/client-go/writer.ts';
import { getPartialReference } from '../../../../src/record/pipeline/reference.ts';
import { RequestConstructionError } from '../../../../src/record/pipeline/event-writer.ts';
import { MemoryLogger, settle } from '../core/fakes.ts';
import { FakeEventsServer, minutes, podNamed, reporter, withSeriesWorld } from './fakes.ts';

const single: EventsV1Event = {
  metadata: { name: 'test', namespace: 'default' },
  eventTime: '2000-01-01T00:00:00.000000Z',
  ...reporter,
  action: 'Acting',
  reason: 'Reason',
  regarding: {},
  note: 'note',
  type: 'Normal',
};
const series: EventsV1Event = { ...single, series: { count: 2, lastObservedTime: '2000-01-01T00:00:01.000000Z' } };

/** How an event is written, in one attempt. */
const writers: Readonly<Record<string, (sink: FakeEventsServer) => (event: EventsV1Event) => Promise<unknown>>> = {
  'by default': sink => {
    const logger = new MemoryLogger();
    const counts = new EventTally<EventsV1Event>(logger, () => 0);
    const writer = new EventWriter({ sink, shape: eventsV1Shape, logger, counts });
    return event => writer.write(event, event.series !== undefined, new AbortController().signal);
  },
  'as client-go': sink => {
    const { signal } = new AbortController();
    const logger = new MemoryLogger();
    const counts = new EventTally<EventsV1Event>(logger, () => 0);
    const retry = { retryDelayMs: () => 0, retriesExisting: true };
    const writer = new ClientGoWriter({ sink, shape: eventsV1Shape, logger, counts, ...retry, signal });
    return event => writer.attempt(event);
  },
};

for (const [how, writerTo] of Object.entries(writers))
  describe(`an event of events.k8s.io/v1 is written ${how} (TestRecordEventToSink)`, () => {
    const cases: readonly [string, readonly EventsV1Event[], EventsV1Event][] = [
      ['once', [single], single],
      ['once, and what its series became', [single, series], series],
      ['once, and stays the series that came before it', [series, single], series],
      ['once, if its series is the first that the server hears of', [series], series],
    ];
    for (const [what, events, expected] of cases)
      it(what, async () => {
        const server = new FakeEventsServer();
        const write = writerTo(server);
        for (const event of events) await write(event);
        const stored = [...server.stored.values()].map(({ metadata: { name, namespace }, ...rest }) => ({
          metadata: { name, namespace },
          ...rest,
        }));
        expect(stored).to.deep.equal([expected]);
      });
  });

for (const clientGoCompatible of [false, true])
  describe(`EventsV1Broadcaster${clientGoCompatible ? ' as client-go' : ''}`, () => {
    it('patches repetitions into a series, and creates another event for anything else (TestEventSeriesf)', () =>
      withSeriesWorld({ clientGoCompatible }, async ({ server, recorder, pass }) => {
        const regarding = getPartialReference(podNamed('foo'), '.spec.containers[1]');
        const related = getPartialReference(podNamed('foo'), '.spec.containers[0]');
        const record = (action: string) => {
          recorder.eventf(regarding, related, 'Normal', 'test', action, 'some verbose message: %d', 1);
        };
        for (const action of ['started', 'started', 'stopped']) {
          record(action);
          await pass(0);
        }
        expect(server.calls.map(({ verb, event, count }) => [verb, event.action, count])).to.deep.equal([
          ['create', 'started', 1],
          ['patch', 'started', 2],
          ['create', 'stopped', 1],
        ]);
        const [first, second, third] = server.calls.map(({ event }) => event);
        expect(second!.metadata.name)
          .to.match(/^foo\./)
          .and.equal(first!.metadata.name);
        expect([first!.series, third!.series]).to.deep.equal([undefined, undefined]);
        expect(first!.eventTime).to.match(/^2000-01-01T00:00:00\.\d{6}Z$/);
      }));

    it('writes two events recorded at once as one event with a series (TestEventSeriesWithEventSinkImplRace)', () =>
      withSeriesWorld({ clientGoCompatible, sleepDurationMs: 1 }, async ({ server, recorder, pass }) => {
        for (let time = 0; time < 2; time += 1)
          recorder.eventf({ metadata: { name: 'a' }, kind: 'K' }, null, 'Normal', 'reason', 'action', '');
        await pass(10);
        expect(server.counts()).to.deep.equal([2]);
        expect([...server.stored.values()][0]?.metadata.namespace).to.equal('default');
      }));

    it('writes the last count of a finished series, and forgets it; a recent event stays (TestFinishSeries)', () =>
      withSeriesWorld({ clientGoCompatible }, async ({ server, pass, record }) => {
        for (let time = 0; time < 10; time += 1) {
          record('over');
          await pass(1_000);
        }
        const [lastMs, lastObservedTime] = [Date.now() - 1_000, microTime(Date.now() - 1_000)];
        await pass(9 * minutes);
        record('fresh', 'other');
        await pass(3 * minutes);
        const [created, started, finished, fresh, ...more] = server.calls.filter(({ event }) => event.note === 'over');
        expect([created?.count, started?.count, finished?.count]).to.deep.equal([1, 2, 10]);
        expect(finished?.event.series?.lastObservedTime).to.equal(lastObservedTime);
        expect((finished?.atMs ?? 0) - lastMs).to.be.greaterThan(6 * minutes);
        expect([fresh, ...more]).to.deep.equal([undefined]);
        record('over');
        record('fresh', 'other');
        await pass(0);
        expect(server.counts('over')).to.deep.equal([10, 1]);
        expect(server.counts('fresh')).to.deep.equal([2]);
      }));

    it('writes the count of a continuing series, also if the previous write failed (TestRefreshExistingEventSeries)', () =>
      withSeriesWorld({ clientGoCompatible }, async ({ server, pass, record }) => {
        const happenFor = async (count: number) => {
          for (let minute = 0; minute < count; minute += 1) {
            record('goes on');
            await pass(minutes);
          }
        };
        await happenFor(29);
        server.failures = [new RequestConstructionError('no such request')];
        await happenFor(30);
        expect(server.calls.map(({ verb, count }) => [verb, count])).to.deep.equal([
          ['create', 1],
          ['patch', 2],
          ['patch', 30],
        ]);
        expect(server.counts()).to.deep.equal([2]);
        await happenFor(2);
        expect(server.counts()).to.deep.equal([60]);
      }));

    it(`${clientGoCompatible ? 'loses' : 'writes'} the counts that are not on the server yet when it is shut down`, async () => {
      const server = new FakeEventsServer();
      const events = new EventsV1Broadcaster({ clientGoCompatible });
      events.startRecordingToSink(server);
      const recorder = events.newRecorder(reporter);
      for (let time = 0; time < 7; time += 1) {
        recorder.eventf(podNamed('a'), undefined, 'Normal', 'Reason', 'Acting', 'note');
        await settle();
      }
      const result = await events.shutdown();
      await events.shutdown();
      if (clientGoCompatible) expect(server.counts()).to.deep.equal([2]);
      else {
        expect(server.counts()).to.deep.equal([7]);
        expect(result).to.deep.include({ delivered: 5, notDelivered: 0 });
      }
    });

    it('creates a new event for another resourceVersion only as client-go', () =>
      withSeriesWorld({ clientGoCompatible }, async ({ server, recorder, pass }) => {
        for (const resourceVersion of ['1', '2', '3']) {
          const { metadata, ...pod } = podNamed('a');
          recorder.eventf(
            { ...pod, metadata: { ...metadata, resourceVersion } },
            undefined,
            'Normal',
            'Reason',
            'Acting',
            'note',
          );
          await pass(1);
        }
        expect(server.stored.size).to.equal(clientGoCompatible ? 3 : 1);
      }));

    it('logs recorded events with action and note', () =>
      withSeriesWorld({ clientGoCompatible }, async ({ events, pass, record }) => {
        const logger = new MemoryLogger();
        events.startStructuredLogging(logger);
        record('note');
        await pass(0);
        const fields = { object: 'ns/pod', kind: 'Pod', apiVersion: 'v1', type: 'Normal', reason: 'Reason' };
        expect(logger.lines).to.deep.equal([
          { level: 'info', message: 'Event occurred', fields: { ...fields, action: 'Acting', note: 'note' } },
        ]);
      }));
  });

describe('EventsV1Broadcaster', () => {
  it('counts events that the API server would refuse as rejected, and does not send them', () =>
    withSeriesWorld({}, async ({ server, recorder, events, logger, pass }) => {
      const pod = podNamed('a');
      recorder.eventf(pod, undefined, 'Normal', '', 'Acting', 'note');
      recorder.eventf(pod, undefined, 'Normal', 'Reason', 'é'.repeat(65), 'note');
      for (const reportingController of ['', 'a/b/c', '-a', 'x'.repeat(64), `${'a'.repeat(254)}/b`, 'A/b'])
        events.newRecorder({ ...reporter, reportingController }).eventf(pod, undefined, 'Normal', 'Reason', 'Acting', 'note');
      await pass(0);
      expect(server.calls).to.deep.equal([]);
      expect(events.counts).to.include({ recorded: 8, delivered: 0 });
      expect(events.counts.dropped.rejected).to.equal(8);
      expect(new Set(logger.messages('error'))).to.deep.equal(new Set(['Unable to record event (will not retry!)']));
    }));

  it('sends them with ignoresServerLimits', () =>
    withSeriesWorld({ ignoresServerLimits: true }, async ({ server, recorder, pass }) => {
      recorder.eventf(podNamed('a'), undefined, 'Normal', '', '', 'n'.repeat(2000));
      await pass(0);
      expect(server.calls[0]?.event.note).to.have.length(2000);
    }));

  it('logs a value that is no event, and continues', () =>
    withSeriesWorld({}, async ({ server, recorder, logger, pass }) => {
      recorder.eventf(undefined, undefined, 'Normal', 'Reason', 'Acting', 'note');
      recorder.eventf(podNamed('a'), undefined, 'normal' as 'Normal', 'Reason', 'Acting', 'note');
      await pass(0);
      expect(server.calls).to.deep.equal([]);
      expect(logger.messages('error')).to.deep.equal([
        'Could not construct reference, will not report event',
        'Unsupported event type',
      ]);
    }));

  it('logs to the logger of the recorder', () =>
    withSeriesWorld({}, async ({ recorder, logger, pass }) => {
      const other = new MemoryLogger();
      recorder.withLogger(other).eventf(undefined, undefined, 'Normal', 'Reason', 'Acting', 'note');
      await pass(0);
      expect([logger.lines.length, other.messages('error').length]).to.deep.equal([0, 1]);
    }));

  it('looks up the kind of an object that has none', () =>
    withSeriesWorld({ kindOf: () => ({ apiVersion: 'v1', kind: 'Node' }) }, async ({ server, recorder, pass }) => {
      recorder.eventf({ metadata: { name: 'node-1' } }, undefined, 'Normal', 'Reason', 'Acting', 'note');
      await pass(0);
      expect(server.calls[0]?.event.regarding).to.deep.equal({ apiVersion: 'v1', kind: 'Node', name: 'node-1' });
    }));
});

describe('an event of events.k8s.io/v1', () => {
  it('has times with six digits after the second', () => {
    expect(microTime(Date.UTC(2000, 0, 1) + 12)).to.equal('2000-01-01T00:00:00.012000Z');
  });

  it('keeps a note of 1024 bytes, and cuts a longer one between characters', () => {
    expect(shortNote('y'.repeat(1024))).to.equal('y'.repeat(1024));
    const short = shortNote('😀'.repeat(300));
    expect(short).to.equal(`${'😀'.repeat(255)}…`);
    expect(new TextEncoder().encode(short)).to.have.length(1023);
  });
});
