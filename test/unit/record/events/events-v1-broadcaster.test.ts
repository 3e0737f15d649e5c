import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/events-v1-broadcaster.ts';
import { microTime, shortNote, type EventsV1Event, type SeriesPatch } from '../../../../src/record/events/events-v1-event.ts';
import type { EventsV1Recorder } from '../../../../src/record/events/events-v1-recorder.ts';

const reporter = { reportingController: 'example.com/ctl', reportingInstance: 'example.com/ctl-1' };
const pod = { apiVersion: 'v1', kind: 'Pod', name: 'pod-1', namespace: 'ns-1', uid: 'uid-1' };

class MemorySink {
  readonly created: EventsV1Event[] = [];
  readonly patches: SeriesPatch[] = [];

  create(event: EventsV1Event): Promise<EventsV1Event> {
    this.created.push(event);
    return Promise.resolve(event);
  }

  patch(event: EventsV1Event, patch: SeriesPatch): Promise<EventsV1Event> {
    this.patches.push(patch);
    return Promise.resolve(event);
  }
}

describe('EventsV1Broadcaster', () => {
  let clock: Clock;
  let sink: MemorySink;
  let broadcaster: EventsV1Broadcaster;
  let recorder: EventsV1Recorder;

  beforeEach(() => {
    clock = FakeTimers.install({ now: Date.UTC(2000, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    sink = new MemorySink();
    broadcaster = new EventsV1Broadcaster();
    broadcaster.startRecordingToSink(sink);
    recorder = broadcaster.newRecorder(reporter);
  });

  afterEach(async () => {
    await broadcaster.shutdown();
    clock.uninstall();
  });

  const record = (note = 'note') => {
    recorder.eventf(pod, undefined, 'Normal', 'Reason', 'Acting', note);
  };

  it('creates an event once and starts a series with the second (TestEventSeriesf)', async () => {
    for (let count = 0; count < 5; count += 1) record();
    await clock.tickAsync(0);
    expect(sink.created).to.have.length(1);
    expect(sink.patches.map(({ series }) => series.count)).to.deep.equal([2]);
  });

  it('writes the count of a series that is over (TestFinishSeries)', async () => {
    for (let count = 0; count < 5; count += 1) record();
    await clock.tickAsync(13 * 60_000);
    expect(sink.patches.map(({ series }) => series.count)).to.deep.equal([2, 5]);
    record();
    await clock.tickAsync(0);
    expect(sink.created).to.have.length(2);
  });

  it('writes the count of a series that goes on (TestRefreshExistingEventSeries)', async () => {
    for (let minute = 0; minute < 31; minute += 1) {
      record();
      await clock.tickAsync(60_000);
    }
    expect(sink.created).to.have.length(1);
    expect(sink.patches.map(({ series }) => series.count)).to.deep.equal([2, 30]);
  });

  it('writes the last counts when it is shut down', async () => {
    for (let count = 0; count < 7; count += 1) record();
    await broadcaster.shutdown();
    expect(sink.patches.at(-1)?.series.count).to.equal(7);
  });

  it('loses the last counts when it is to do as client-go does', async () => {
    const compatible = new EventsV1Broadcaster({ clientGoCompatible: true });
    compatible.startRecordingToSink(sink);
    const other = compatible.newRecorder(reporter);
    for (let count = 0; count < 7; count += 1) other.eventf(pod, undefined, 'Normal', 'Reason', 'Acting', 'note');
    await clock.tickAsync(0);
    await compatible.shutdown();
    expect(sink.patches.map(({ series }) => series.count)).to.deep.equal([2]);
  });

  it('counts an event without a reason or an action as rejected, and sends nothing', async () => {
    recorder.eventf(pod, undefined, 'Normal', '', 'Acting', 'note');
    recorder.eventf(pod, undefined, 'Normal', 'Reason', 'x'.repeat(129), 'note');
    recorder.eventf(undefined, undefined, 'Normal', 'Reason', 'Acting', 'note');
    await clock.tickAsync(0);
    expect(sink.created).to.deep.equal([]);
    expect(broadcaster.dropped.rejected).to.equal(3);
  });
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
