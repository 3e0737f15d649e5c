import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/events-v1-broadcaster.ts';
import { MemoryLogger, networkError, settle, status } from '../fakes.ts';
import { FakeEventsServer, minutes, podNamed, reporter, startMs, withSeriesWorld } from './fakes.ts';

describe('SeriesDelivery', () => {
  it('writes at once what happens many times in one go, as a series', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      for (let time = 0; time < 20; time += 1) record('n');
      await pass(0);
      expect(server.summary()).to.deep.equal(['create n 20']);
      expect(events.counts).to.include({ recorded: 20, delivered: 20, written: 1 });
    }));

  it('only counts what happens a third time, until its series is written', () =>
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

  it('writes nothing for a series that is over if the server knows its count', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      record('n');
      await pass(0);
      record('n');
      await pass(60 * minutes);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2']);
    }));

  it('writes the writes of one series in order, with what was counted meanwhile', () =>
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

  it('has at most as many writes under way as it may, and lets none that fails hold up another', () =>
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

  for (const code of [408, 429, 500, 502, 503, 504])
    it(`tries again after ${code}, when the server says so`, () =>
      withSeriesWorld({}, async ({ server, pass, record }) => {
        server.failures = [status(code, 'Later', { details: { retryAfterSeconds: 2 } }), status(code, 'Later')];
        record('n');
        await pass(30_000);
        expect(server.calls.map(({ atMs }) => atMs - startMs)).to.deep.equal([0, 2_000, 12_000]);
        expect(server.counts()).to.deep.equal([1]);
      }));

  for (const code of [400, 403, 410, 413, 422])
    it(`gives up at once after ${code}, and counts it`, () =>
      withSeriesWorld({}, async ({ events, server, logger, pass, record }) => {
        server.failures = [status(code, 'No')];
        const drops: unknown[] = [];
        events.drops.subscribe(({ cause, count, event }) => drops.push([cause, count, event.note]));
        record('n');
        await pass(100_000);
        expect(server.calls).to.have.length(1);
        expect(drops).to.deep.equal([['rejected', 1, 'n']]);
        expect(logger.messages('error')).to.deep.equal(['Server rejected event (will not retry!)']);
      }));

  it('tries a connection that breaks at least ten and at most twelve and a half seconds later', async () => {
    for (const [random, expected] of [
      [0, 10_000],
      [1, 12_500],
    ] as const)
      await withSeriesWorld({ random: () => random }, async ({ server, pass, record }) => {
        server.failures = [networkError()];
        record('n');
        await pass(20_000);
        expect(server.calls.map(({ atMs }) => atMs - startMs)).to.deep.equal([0, expected]);
      });
  });

  it('gives a first event up after twelve tries', () =>
    withSeriesWorld({}, async ({ events, server, logger, pass, record }) => {
      server.outage = networkError();
      record('n');
      await pass(30 * minutes);
      expect(server.calls).to.have.length(12);
      expect(events.counts.dropped.retry_limit).to.equal(1);
      expect(logger.messages('error').at(-1)).to.equal('Unable to write event (retry limit exceeded!)');
    }));

  it('does not give up the count of a series in an outage of half an hour', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.outage = networkError();
      for (let time = 0; time < 5; time += 1) {
        record('n');
        await pass(minutes);
      }
      await pass(30 * minutes);
      expect(server.calls.length).to.be.lessThan(25);
      server.outage = undefined;
      await pass(6 * minutes);
      expect(server.counts()).to.deep.equal([6]);
      expect(events.counts).to.include({ recorded: 6, delivered: 6 });
      expect(server.summary().slice(-2)).to.deep.equal(['patch n 6', 'patch n 6']);
    }));

  it('gives it up when the server would have forgotten the event', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.outage = networkError();
      record('n');
      await pass(75 * minutes);
      expect(events.counts.dropped.retry_limit).to.equal(1);
      const { length } = server.calls;
      await pass(60 * minutes);
      expect(server.calls).to.have.length(length);
    }));

  it('creates a series again that the server has forgotten', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      record('n');
      await pass(0);
      server.stored.clear();
      record('n');
      await pass(0);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2', 'create n 2']);
      expect(server.counts()).to.deep.equal([2]);
    }));

  it('patches again later what a patch did not find, and a create did', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      record('n');
      await pass(0);
      server.failures = [status(404, 'NotFound')];
      record('n');
      await pass(10_000);
      expect(server.summary()).to.deep.equal(['create n 1', 'patch n 2', 'create n 2', 'patch n 2']);
      expect(events.counts).to.include({ recorded: 2, delivered: 2 });
    }));

  it('takes another name if its name is taken, and keeps to it', () =>
    withSeriesWorld({}, async ({ server, pass, record }) => {
      server.latencyMs = 10;
      record('n');
      await pass(0);
      const name = server.calls[0]!.event.metadata.name;
      const other = { ...server.calls[0]!.event, note: 'of another process' };
      server.stored.set(name, other);
      record('n');
      await pass(100);
      for (let time = 0; time < 3; time += 1) {
        record('n');
        await pass(12 * minutes);
      }
      expect(server.stored.get(name)).to.equal(other);
      expect(server.counts('n')).to.deep.equal([3, 1, 1]);
    }));

  it('knows its own event when an attempt without an answer had made it', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      const create = server.create.bind(server);
      let isFirst = true;
      server.create = async event => {
        const created = await create(event);
        if (!isFirst) return created;
        isFirst = false;
        throw networkError();
      };
      record('n');
      await pass(0);
      record('n');
      record('n');
      await pass(10_000);
      expect(server.counts()).to.deep.equal([3]);
      expect(events.counts.delivered).to.equal(3);
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

  it('counts no series at all if told so', () =>
    withSeriesWorld({ cacheSize: 0 }, async ({ server, pass, record }) => {
      for (let time = 0; time < 3; time += 1) {
        record('n');
        await pass(1);
      }
      expect(server.counts()).to.deep.equal([1, 1, 1]);
    }));

  it('drops new events when too many wait, and goes on to count known ones', () =>
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

  it('makes another event of another note if told so', async () => {
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

  it('tells an event of a given name once, whichever process tells it', () =>
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

  it('writes the last counts to a sink that is stopped, and looks after its series no longer', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      const second = new FakeEventsServer();
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
    }));

  it('keeps what is recorded before the first sink, the oldest if it is too much', async () => {
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

describe('flush and shutdown of an EventsV1Broadcaster', () => {
  it('write the counts that could wait', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      for (const [index, finish] of [() => events.flush(1000), () => events.shutdown()].entries()) {
        for (let time = 0; time < 5; time += 1) {
          record('n');
          await pass(1);
        }
        const finished = finish();
        await pass(0);
        await finished;
        expect(server.counts()).to.deep.equal([5 * (index + 1)]);
      }
    }));

  it('say when the time was too short', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.outage = networkError();
      record('n');
      const flushed = events.flush(2000);
      await pass(2000);
      expect(await flushed).to.equal(false);
      const down = events.shutdown({ drainTimeoutMs: 1000 });
      await pass(1000);
      const { dropped, ...result } = await down;
      expect(result).to.deep.equal({ delivered: 0, notDelivered: 1 });
      expect(dropped.shutdown).to.equal(1);
      expect(await events.shutdown()).to.deep.include(result);
    }));

  it('deliver a thousand events recorded right before to a sink of 25 ms within five seconds', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.latencyMs = 25;
      for (let index = 0; index < 1000; index += 1) record('n', `p${index}`);
      const down = events.shutdown();
      await pass(25 * (1000 / 8));
      expect(await down).to.deep.include({ delivered: 1000, notDelivered: 0 });
      expect(server.stored.size).to.equal(1000);
    }));

  it('try again soon what failed', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.failures = [networkError(), status(503, 'ServiceUnavailable'), networkError()];
      record('n');
      await pass(0);
      const down = events.shutdown();
      await pass(1000);
      expect(await down).to.deep.include({ delivered: 1, notDelivered: 0 });
    }));

  it('count what is recorded too late, and what nobody ever wrote', async () => {
    const logger = new MemoryLogger();
    const events = new EventsV1Broadcaster({ logger });
    const recorder = events.newRecorder(reporter);
    recorder.eventf(podNamed('a'), undefined, 'Normal', 'Reason', 'Acting', 'early');
    expect(await events.shutdown()).to.deep.include({ delivered: 0, notDelivered: 1 });
    recorder.eventf(podNamed('a'), undefined, 'Normal', 'Reason', 'Acting', 'late');
    expect(events.counts.recorded).to.equal(2);
    expect(events.counts.dropped).to.include({ shutdown: 1, no_sink: 1 });
    expect(logger.messages('error')).to.deep.equal(['Unable to record event (will not retry!)']);
  });

  it('happen by a signal, and at the end of a scope', async () => {
    const server = new FakeEventsServer();
    const abort = new AbortController();
    {
      await using events = new EventsV1Broadcaster({ signal: abort.signal });
      events.startRecordingToSink(server);
      const recorder = events.newRecorder(reporter);
      recorder.eventf(podNamed('a'), undefined, 'Normal', 'Reason', 'Acting', 'n');
      abort.abort();
      await settle();
      recorder.eventf(podNamed('b'), undefined, 'Normal', 'Reason', 'Acting', 'late');
    }
    expect(server.counts()).to.deep.equal([1]);
  });

  it('lose none of 100,000 events at once without counting it', async function () {
    // So many take long on a busy machine; how long is not what is tested.
    this.timeout(60_000);
    const server = new FakeEventsServer();
    const events = new EventsV1Broadcaster();
    events.startRecordingToSink(server);
    const recorder = events.newRecorder(reporter);
    for (let index = 0; index < 100_000; index += 1)
      recorder.eventf(podNamed(`p${index % 5000}`), undefined, 'Normal', 'Reason', 'Acting', 'n');
    await events.shutdown();
    const { recorded, delivered, dropped } = events.counts;
    expect(recorded).to.equal(100_000);
    expect(delivered + dropped.queue_full).to.equal(100_000);
    expect(server.counts().reduce((sum, count) => sum + count, 0)).to.equal(delivered);
    expect(server.stored.size).to.equal(1000);
  });
});
