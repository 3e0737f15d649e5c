import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { MemoryLogger, networkError, settle, status } from '../core/fakes.ts';
import { FakeEventsServer, podNamed, reporter, withSeriesWorld } from './fakes.ts';

describe('flush and shutdown of an EventsV1Broadcaster', () => {
  it('write the counts that wait for a refresh', () =>
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

  it('report when the time was too short', () =>
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

  it('give up a series that cannot be written in time', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.outage = networkError();
      for (let time = 0; time < 3; time += 1) record('n');
      const down = events.shutdown({ drainTimeoutMs: 3_600_000 });
      await pass(11 * 250);
      expect((await down).dropped).to.include({ retry_limit: 3, shutdown: 0 });
    }));

  it('retry failed writes soon', () =>
    withSeriesWorld({}, async ({ events, server, pass, record }) => {
      server.failures = [networkError(), status(503, 'ServiceUnavailable'), networkError()];
      record('n');
      await pass(0);
      const down = events.shutdown();
      await pass(1000);
      expect(await down).to.deep.include({ delivered: 1, notDelivered: 0 });
    }));

  it('count events recorded too late, and events that no sink wrote', async () => {
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

  it('are triggered by a signal, and at the end of a scope', async () => {
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

  it('do not keep a process alive, neither by retries nor by series (TestMain)', async () => {
    const broadcaster = new URL('../../../../src/record/events/broadcaster.ts', import.meta.url).href;
    const program = `
      import { EventsV1Broadcaster } from ${JSON.stringify(broadcaster)};
      let calls = 0;
      const create = event => ((calls += 1), event.action === 'Fails' ? Promise.reject(new Error('no network')) : Promise.resolve(event));
      for (const clientGoCompatible of [false, true]) {
        const events = new EventsV1Broadcaster({ clientGoCompatible });
        events.startRecordingToSink({ create, patch: create });
        events.startEventWatcher(() => undefined);
        const recorder = events.newRecorder({ reportingController: 'c', reportingInstance: 'c-0' });
        const object = { apiVersion: 'v1', kind: 'Pod', name: 'a', namespace: 'b' };
        for (const action of ['Fails', 'Repeats']) recorder.eventf(object, undefined, 'Normal', 'Reason', action, 'note');
      }
      process.on('exit', () => process.stdout.write(String(calls)));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    expect(Number(stdout)).to.equal(4);
  });

  it('count each lost event of 100,000 events at once', async function () {
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
