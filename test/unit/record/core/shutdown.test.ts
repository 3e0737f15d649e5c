import { expect } from 'chai';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import { FakeApiServer, networkError, pod, podNamed, settle, status, withWorld } from './fakes.ts';

describe('flush', () => {
  for (const clientGoCompatible of [false, true])
    it(`waits for the events recorded before it, not for later ones${clientGoCompatible ? ', as client-go' : ''}`, () =>
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

  it('reports when the time was too short, and resolves at once if nothing is pending', () =>
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

  it('reports the events that it could not deliver in time', () =>
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

  it('writes the counts that the spam filter holds, and retries failed writes soon', () =>
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

  it('counts events that the server rejects in the meantime as not delivered', () =>
    withWorld({}, async ({ events, server, pass }) => {
      server.outage = status(403, 'Forbidden');
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      const down = events.shutdown();
      await pass(0);
      expect((await down).dropped).to.include({ rejected: 1, shutdown: 0 });
    }));

  it('loses queued events as client-go; with a drain timeout it does not', async () => {
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

  it('lets watchers handle the events that they have', async () => {
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

  it('counts events that are recorded too late', async () => {
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
