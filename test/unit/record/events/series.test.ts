import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { networkError } from '../core/fakes.ts';
import { FakeEventsServer, minutes, podNamed, reporter, withSeriesWorld } from './fakes.ts';

describe('SeriesPolicy', () => {
  it('writes many simultaneous occurrences as one series', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      for (let time = 0; time < 20; time += 1) record('n');
      await pass(0);
      expect(server.summary()).to.deep.equal(['create n 20']);
      expect(events.counts).to.include({ recorded: 20, delivered: 20, written: 1 });
    }));

  it('only counts a third occurrence until its series is written', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      for (let time = 0; time < 5; time += 1) {
        record('n');
        await pass(1);
      }
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2']);
      expect(events.counts).to.include({ recorded: 5, delivered: 2, filtered: 3 });
      await pass(12 * minutes);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2', 'patch n 5']);
      expect(events.counts).to.include({ delivered: 5 });
    }));

  it('writes nothing for a finished series if the server has its count', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      record('n');
      await pass(0);
      record('n');
      await pass(60 * minutes);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2']);
    }));

  it('writes one series in order, with the occurrences counted in the meantime', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      server.latencyMs = 100;
      for (let time = 0; time < 5; time += 1) {
        record('n');
        await pass(30);
      }
      await pass(200);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 4']);
      await pass(12 * minutes);
      expect(server.counts()).to.deep.equal([5]);
    }));

  it('limits the number of concurrent writes, and does not delay one because another fails', () =>
    withSeriesWorld({ concurrency: 3 }, async ({ server, pass, record }) => {
      server.latencyMs = 100;
      server.failures = [networkError()];
      for (let index = 0; index < 10; index += 1) record('n', `p${index}`);
      await pass(0);
      expect(server.calls).to.have.length(3);
      await pass(400);
      expect(server.stored.size).to.equal(9);
      await pass(10_000);
      expect(server.stored.size).to.equal(10);
    }));

  it('counts a limited number of series, and writes the one that it forgets', () =>
    withSeriesWorld({ cacheSize: 2 }, async ({ events, server, pass, record }) => {
      for (const name of ['a', 'b']) {
        for (let time = 0; time < 5; time += 1) {
          record(name, name);
          await pass(1);
        }
      }
      record('a', 'a');
      record('c', 'c');
      await pass(0);
      expect([server.counts('a'), server.counts('b'), server.counts('c')]).to.deep.equal([[2], [5], [1]]);
      record('b', 'b');
      await pass(0);
      expect([server.counts('a'), server.counts('b'), server.counts('c')]).to.deep.equal([[6], [5, 1], [1]]);
      expect(events.counts).to.include({ recorded: 13, delivered: 13 });
    }));

  it('counts no series with a cacheSize of 0', () =>
    withSeriesWorld({ cacheSize: 0 }, async ({ server, pass, record }) => {
      for (let time = 0; time < 3; time += 1) {
        record('n');
        await pass(1);
      }
      expect(server.counts()).to.deep.equal([1, 1, 1]);
    }));

  it('drops new events when too many are queued, and continues to count known ones', () =>
    withSeriesWorld({ maxQueuedEvents: 10, concurrency: 1 }, async ({ events, server, logger, pass, record }) => {
      record('n', 'known');
      await pass(0);
      server.latencyMs = 10;
      for (let index = 0; index < 25; index += 1) record('n', `p${index}`);
      record('n', 'known');
      record('n', 'p3');
      await pass(1000);
      expect(server.stored.size).to.equal(11);
      expect(server.counts()).to.deep.equal([2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1]);
      expect(events.counts.dropped.queue_full).to.equal(15);
      expect(logger.messages('warn')).to.deep.equal(['Events were dropped']);
    }));

  it('creates another event for another note with distinguishesNotes', async () => {
    for (const distinguishesNotes of [false, true])
      await withSeriesWorld({ distinguishesNotes }, async ({ server, pass, record }) => {
        for (const note of ['from 1 to 2', 'from 2 to 3', 'from 2 to 3']) {
          record(note);
          await pass(1);
        }
        expect([...server.stored.values()].map(({ note, series }) => [note, series?.count])).to.deep.equal(
          distinguishesNotes
            ? [
                ['from 1 to 2', undefined],
                ['from 2 to 3', 2],
              ]
            : [['from 1 to 2', 2]],
        );
      });
  });

  it('writes an event with a given name once, by whichever process it is recorded', () =>
    withSeriesWorld({ nameAnnotation: 'example.com/name' }, async ({ events, server, recorder, pass }) => {
      const tell = (name: string, note: string) => {
        recorder.annotatedEventf(podNamed('a'), null, { 'example.com/name': name }, 'Normal', 'Reason', 'Acting', note);
      };
      tell('a.1', 'first');
      tell('a.2', 'second');
      tell('Not a name', 'third');
      await pass(0);
      expect([...server.stored.values()].map(({ metadata: { name }, note }) => [name, note]).slice(0, 2)).to.deep.equal([
        ['a.1', 'first'],
        ['a.2', 'second'],
      ]);
      const other = new EventsV1Broadcaster({ nameAnnotation: 'example.com/name' });
      other.startRecordingToSink(server);
      const annotations = { 'example.com/name': 'a.2' };
      other.newRecorder(reporter).annotatedEventf(podNamed('a'), null, annotations, 'Normal', 'Reason', 'Acting', 'second');
      expect(await other.shutdown()).to.deep.include({ delivered: 1, notDelivered: 0 });
      expect(server.counts()).to.deep.equal([1, 1, 1]);
      expect(events.counts.delivered).to.equal(3);
    }));

  it('writes the last counts to a sink that is stopped, and refreshes its series no longer', () =>
    withSeriesWorld({}, async ({ clock, events, server, pass, record }) => {
      const second = new FakeEventsServer();
      const timers = clock.countTimers();
      const watcher = events.startRecordingToSink(second);
      for (let time = 0; time < 4; time += 1) {
        record('n');
        await pass(1);
      }
      watcher.stop();
      record('n');
      await pass(0);
      expect(second.counts()).to.deep.equal([4]);
      await pass(12 * minutes);
      expect([server.counts(), second.counts(), second.calls.length]).to.deep.equal([[5], [4], 3]);
      expect(clock.countTimers()).to.equal(timers);
      await events.shutdown();
      expect(clock.countTimers()).to.equal(0);
    }));

  it('keeps the events recorded before the first sink; if there are too many, the oldest', async () => {
    const events = new EventsV1Broadcaster({ maxQueuedEvents: 3 });
    const recorder = events.newRecorder(reporter);
    for (const note of ['a', 'b', 'c', 'd']) recorder.eventf(podNamed(note), undefined, 'Normal', 'Reason', 'Acting', note);
    const server = new FakeEventsServer();
    events.startRecordingToSink(server);
    await events.shutdown();
    expect(server.summary()).to.deep.equal(['create a 1', 'create b 1', 'create c 1']);
    expect(events.counts.dropped.no_sink).to.equal(1);
  });
});
