import { expect } from 'chai';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import type { EventDrop } from '../../../../src/record/pipeline/event-counts.ts';
import type { CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { FakeApiServer, MemoryLogger, networkError, pod, podNamed, settle, status, withWorld } from '../core/fakes.ts';

const recorderOf = (events: EventBroadcaster): ReturnType<EventBroadcaster['newRecorder']> =>
  events.newRecorder({ component: 'c', host: 'h' });

describe('WriteQueue', () => {
  it('writes many simultaneous occurrences as one event with its count', () =>
    withWorld({}, async ({ events, server, pass }) => {
      for (let index = 0; index < 20; index += 1) recorderOf(events).event(pod, 'Normal', 'Reason', 'message');
      await pass(0);
      expect(server.summary()).to.deep.equal(['create message 20']);
      expect(events.counts).to.include({ recorded: 20, delivered: 20, written: 1 });
    }));

  it('does not delay an event because another fails', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.failures = [networkError()];
      recorderOf(events).event(podNamed('a'), 'Normal', 'Reason', 'fails');
      await pass(0);
      for (const name of ['b', 'c']) recorderOf(events).event(podNamed(name), 'Normal', 'Reason', 'succeeds');
      await pass(0);
      expect(server.counts('succeeds')).to.deep.equal([1, 1]);
      await pass(5000);
      expect(server.counts('fails')).to.deep.equal([1]);
    }));

  it('limits the number of concurrent writes', () =>
    withWorld({ concurrency: 3 }, async ({ events, server, pass }) => {
      server.latencyMs = 100;
      for (let index = 0; index < 10; index += 1) recorderOf(events).event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
      await pass(0);
      expect(server.calls).to.have.length(3);
      await pass(100);
      expect(server.calls).to.have.length(6);
      await pass(200);
      expect(server.stored.size).to.equal(9);
    }));

  it('writes one event in order: events recorded during a write follow in one write', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.latencyMs = 100;
      const recorder = recorderOf(events);
      for (let index = 0; index < 5; index += 1) {
        recorder.event(pod, 'Normal', 'Reason', 'm');
        await pass(30);
      }
      await pass(200);
      expect(server.summary()).to.deep.equal(['create m 1', 'patch m 4', 'patch m 5']);
      expect(server.counts()).to.deep.equal([5]);
    }));

  it('includes events recorded in the meantime when it retries', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.failures = [networkError()];
      const recorder = recorderOf(events);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(0);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(5000);
      expect(server.summary()).to.deep.equal(['create m 1', 'create m 3']);
    }));

  for (const code of [408, 429, 500, 502, 503, 504])
    it(`retries after ${code}, at the time that the server gives`, () =>
      withWorld({}, async ({ events, server, pass }) => {
        server.failures = [status(code, 'Later', { details: { retryAfterSeconds: 2 } }), status(code, 'Later')];
        recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
        await pass(30_000);
        expect(server.calls.map(({ atMs }) => atMs - Date.UTC(2000, 0, 1))).to.deep.equal([0, 2_000, 12_000]);
        expect(server.counts()).to.deep.equal([1]);
      }));

  for (const code of [400, 403, 404, 410, 413, 422])
    it(`gives up at once after ${code}, and counts it`, () =>
      withWorld({}, async ({ events, server, pass }) => {
        server.failures = [status(code, 'No')];
        const drops: EventDrop<CoreV1Event>[] = [];
        events.drops.subscribe(drop => drops.push(drop));
        recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
        await pass(100_000);
        expect(server.calls).to.have.length(1);
        expect(drops.map(({ cause, count, event }) => [cause, count, event.message])).to.deep.equal([['rejected', 1, 'm']]);
      }));

  it('retries once after 401: the token may have been renewed', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.outage = status(401, 'Unauthorized');
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      await pass(100_000);
      expect(server.calls).to.have.length(2);
      expect(events.counts.dropped.rejected).to.equal(1);
    }));

  it('logs the missing permission when events in default are forbidden', () =>
    withWorld({}, async ({ events, server, logger, pass }) => {
      server.failures = [status(403, 'Forbidden')];
      recorderOf(events).event({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }, 'Normal', 'Reason', 'm');
      await pass(0);
      const line = logger.lines.find(({ message }) => message === 'Server rejected event (will not retry!)');
      expect(line?.fields.hint).to.equal(
        'events about objects without a namespace lie in default: allow create and patch of events there',
      );
    }));

  it('logs no error for a namespace that terminates', () =>
    withWorld({}, async ({ events, server, logger, pass }) => {
      server.failures = [status(403, 'Forbidden', { details: { causes: [{ reason: 'NamespaceTerminating' }] } })];
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      await pass(0);
      expect(logger.messages('error')).to.deep.equal([]);
      expect(logger.messages('debug')).to.deep.equal(['Server rejected event (will not retry!)']);
    }));

  it('chooses another name if the name is taken, and keeps it', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const other = { ...(await new FakeApiServer().create(eventNamed('foo.d234ccf52430000'))), message: 'another event' };
      server.stored.set('foo.d234ccf52430000', other);
      server.latencyMs = 10;
      const recorder = recorderOf(events);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(0);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(100);
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(100);
      expect(server.stored.get('foo.d234ccf52430000')).to.equal(other);
      expect(server.counts('m')).to.deep.equal([3]);
    }));

  for (const repeats of [0, 2])
    it(`recognises its own event when an attempt without an answer created it, recorded ${repeats} more times meanwhile`, () =>
      withWorld({}, async ({ events, server, pass }) => {
        const create = server.create.bind(server);
        let isFirst = true;
        server.create = async event => {
          const created = await create(event);
          if (!isFirst) return created;
          isFirst = false;
          throw networkError();
        };
        recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
        await pass(0);
        for (let index = 0; index < repeats; index += 1) recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
        await pass(5_000);
        expect(server.counts()).to.deep.equal([1 + repeats]);
        expect(events.counts).to.include({ delivered: 1 + repeats });
      }));

  it('writes a held count when a token returns, and writes a new reason although another one used up the burst', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const recorder = recorderOf(events);
      for (let index = 0; index < 40; index += 1) {
        recorder.event(pod, 'Normal', 'Chatty', 'again');
        await pass(10);
      }
      recorder.event(pod, 'Normal', 'New', 'once');
      await pass(10);
      expect(server.counts('again')).to.deep.equal([25]);
      expect(server.counts('once')).to.deep.equal([1]);
      await pass(299_000);
      expect(server.counts('again')).to.deep.equal([25]);
      await pass(1_000);
      expect(server.counts('again')).to.deep.equal([40]);
      expect(events.counts).to.include({ recorded: 41, delivered: 41, filtered: 15 });
    }));

  it('writes the held counts of one bucket one per token, longest held first', () =>
    withWorld({ burstSize: 2 }, async ({ events, server, pass }) => {
      const recorder = recorderOf(events);
      for (const message of ['a', 'b', 'a', 'b']) {
        recorder.event(pod, 'Normal', 'Reason', message);
        await pass(10);
      }
      await pass(300_000);
      expect([server.counts('a'), server.counts('b')]).to.deep.equal([[2], [1]]);
      await pass(300_000);
      expect([server.counts('a'), server.counts('b')]).to.deep.equal([[2], [2]]);
    }));

  it('drops the newest events when too many keys are queued, and counts them', () =>
    withWorld({ maxQueuedEvents: 10, concurrency: 1 }, async ({ events, server, logger, pass }) => {
      server.latencyMs = 10;
      for (let index = 0; index < 25; index += 1) recorderOf(events).event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
      recorderOf(events).event(podNamed('p3'), 'Normal', 'Reason', 'm');
      await pass(1000);
      expect(server.stored.size).to.equal(10);
      expect(server.counts()).to.deep.equal([1, 1, 1, 2, 1, 1, 1, 1, 1, 1]);
      expect(events.counts.dropped.queue_full).to.equal(15);
      expect(logger.messages('warn')).to.deep.equal(['Events were dropped']);
    }));

  it('counts each lost event of 100,000 events at once', async function () {
    // So many take long on a busy machine; how long is not what is tested.
    this.timeout(60_000);
    const server = new FakeApiServer();
    const events = new EventBroadcaster();
    events.startRecordingToSink(server);
    const recorder = recorderOf(events);
    for (let index = 0; index < 100_000; index += 1) recorder.event(podNamed(`p${index % 5000}`), 'Normal', 'Reason', 'm');
    await events.shutdown();
    const { recorded, delivered, dropped } = events.counts;
    expect(recorded).to.equal(100_000);
    expect(delivered + dropped.queue_full).to.equal(100_000);
    expect(server.counts().reduce((sum, count) => sum + count, 0)).to.equal(delivered);
    expect(server.stored.size).to.equal(1000);
  });

  it('accepts a sink that answers nothing', async () => {
    const calls: string[] = [];
    const events = new EventBroadcaster();
    const sink = { create: () => void calls.push('create'), patch: () => void calls.push('patch') };
    events.startRecordingToSink(sink as unknown as FakeApiServer);
    for (let count = 1; count <= 2; count += 1) {
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      expect(await events.flush(1000)).to.equal(true);
    }
    expect(calls).to.deep.equal(['create', 'patch']);
    expect((await events.shutdown()).notDelivered).to.equal(0);
  });

  it('recognises its own event when the server created it and then answered with an error', () =>
    withWorld({}, async ({ server, pass }) => {
      let calls = 0;
      const events = new EventBroadcaster();
      events.startRecordingToSink({
        create: async event => {
          const stored = await server.create(event);
          calls += 1;
          if (calls === 1) throw status(504, 'Timeout');
          return stored;
        },
        patch: (event, patch) => server.patch(event, patch),
      });
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      await pass(60_000);
      expect(server.counts()).to.deep.equal([1]);
      expect(events.counts).to.deep.include({ recorded: 1, delivered: 1 });
    }));

  it('does not take an event for its own if the server refused it before', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const other = { ...(await new FakeApiServer().create(eventNamed('foo.d234ccf52430000'))), message: 'another event' };
      server.stored.set('foo.d234ccf52430000', other);
      server.failures = [status(429, 'TooManyRequests')];
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      await pass(10_000);
      expect(server.counts('m')).to.deep.equal([1]);
      expect(server.stored.get('foo.d234ccf52430000')).to.equal(other);
    }));

  it('holds a limited number of counts, and drops the one held longest', () =>
    withWorld({ burstSize: 1, maxQueuedEvents: 10_000, lruCacheSize: 10_000 }, async ({ events, server, pass }) => {
      const recorder = recorderOf(events);
      for (const count of [1, 2]) {
        for (let index = 0; index < 4098; index += 1) recorder.event(pod, 'Normal', `Reason${index}`, `m${index}`);
        await pass(1);
        expect(server.stored.size, String(count)).to.equal(4098);
      }
      expect(events.counts.dropped.spam).to.equal(2);
      const down = events.shutdown();
      await pass(100);
      expect((await down).notDelivered).to.equal(0);
      expect([server.counts('m0'), server.counts('m1'), server.counts('m2')]).to.deep.equal([[1], [1], [2]]);
    }));

  it('forgets a stopped sink once everything is written', () =>
    withWorld({}, async ({ events, pass }) => {
      const second = new FakeApiServer();
      const watcher = events.startRecordingToSink(second);
      recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
      watcher.stop();
      await pass(0);
      events.startRecordingToSink(new FakeApiServer()).stop();
      recorderOf(events).event(pod, 'Normal', 'Reason', 'n');
      await pass(0);
      expect(second.counts()).to.deep.equal([1]);
    }));

  it('keeps the events recorded before the first sink; if there are too many, the oldest', async () => {
    const events = new EventBroadcaster({ maxQueuedEvents: 3 });
    for (const message of ['a', 'b', 'c', 'd']) recorderOf(events).event(pod, 'Normal', 'Reason', message);
    const server = new FakeApiServer();
    events.startRecordingToSink(server);
    await events.shutdown();
    expect(server.summary()).to.deep.equal(['create a 1', 'create b 1', 'create c 1']);
    expect(events.counts.dropped.no_sink).to.equal(1);
  });

  it('reports events that no sink wrote', async () => {
    const events = new EventBroadcaster();
    recorderOf(events).event(pod, 'Normal', 'Reason', 'm');
    expect(await events.shutdown()).to.deep.include({ delivered: 0, notDelivered: 1 });
    expect(events.counts.dropped.no_sink).to.equal(1);
  });

  it('logs the error of a consumer’s key function, and continues', async () => {
    const logger = new MemoryLogger();
    let isBroken = true;
    const keyFunc = (event: { message: string }) => {
      if (isBroken) throw new Error('broken');
      return { aggregateKey: 'all', localKey: event.message };
    };
    for (const clientGoCompatible of [false, true]) {
      isBroken = true;
      // One of its own: two broadcasters give the same name to events of the same object in the same millisecond.
      const server = new FakeApiServer();
      const events = new EventBroadcaster({ keyFunc, logger, clientGoCompatible });
      events.startRecordingToSink(server);
      recorderOf(events).event(pod, 'Normal', 'Reason', 'lost');
      await settle();
      isBroken = false;
      recorderOf(events).event(pod, 'Normal', 'Reason', 'kept');
      expect(await events.flush(1000)).to.equal(true);
      await events.shutdown();
      expect(events.counts.dropped.rejected).to.equal(1);
      expect(server.summary()).to.deep.equal(['create kept 1']);
    }
    expect(logger.messages('error')).to.deep.equal(['Event correlation failed', 'Event correlation failed']);
  });
});

function eventNamed(name: string): Parameters<FakeApiServer['create']>[0] {
  const time = '2000-01-01T00:00:00.000Z';
  const reporting = { reportingComponent: '', reportingInstance: '' };
  return {
    metadata: { name, namespace: 'baz' },
    involvedObject: {},
    reason: '',
    message: '',
    source: {},
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type: 'Normal',
    eventTime: null,
    ...reporting,
  };
}
