import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import FakeTimers from '@sinonjs/fake-timers';
import type { CoreV1Event, EventType } from '../../../../src/record/core/core-event.ts';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import { getPartialReference, type Referable } from '../../../../src/record/pipeline/reference.ts';
import { RequestConstructionError } from '../../../../src/record/pipeline/event-writer.ts';
import { FakeApiServer, MemoryLogger, networkError, pod, settle, status, withWorld } from './fakes.ts';

const pod2 = { ...pod, metadata: { ...pod.metadata, uid: 'differentUid' } };
const container = getPartialReference(pod, 'spec.containers[2]');
const container2 = getPartialReference(pod2, 'spec.containers[3]');

interface Recorded {
  readonly object: Referable;
  readonly reason: string;
  readonly message: string;
  readonly args: readonly unknown[];
  readonly verb: 'create' | 'patch';
  readonly count: number;
}

const table: readonly Recorded[] = [
  { object: container, reason: 'Started', message: 'some verbose message: %s', args: [1], verb: 'create', count: 1 },
  { object: pod, reason: 'Killed', message: 'some other verbose message: %s', args: [1], verb: 'create', count: 1 },
  { object: container, reason: 'Started', message: 'some verbose message: %s', args: [1], verb: 'patch', count: 2 },
  { object: container2, reason: 'Started', message: 'some verbose message: %s', args: [1], verb: 'create', count: 1 },
  { object: container, reason: 'Started', message: 'some verbose message: %s', args: [1], verb: 'patch', count: 3 },
  { object: container2, reason: 'Stopped', message: 'some verbose message: %s', args: [1], verb: 'create', count: 1 },
  { object: container2, reason: 'Stopped', message: 'some verbose message: %s', args: [1], verb: 'patch', count: 2 },
];

/** Records the table to `server`, one row a second, and says what each row came to. */
async function recordTable(
  clientGoCompatible: boolean,
): Promise<{ calls: string[]; lines: string[]; structured: MemoryLogger; events: CoreV1Event[] }> {
  const structured = new MemoryLogger();
  const lines: string[] = [];
  let calls: string[] = [];
  const events: CoreV1Event[] = [];
  await withWorld({ clientGoCompatible }, async ({ events: broadcaster, server, pass }) => {
    broadcaster.startLogging(line => lines.push(line));
    broadcaster.startStructuredLogging(structured);
    const recorder = broadcaster.newRecorder({ component: 'eventTest' });
    for (const { object, reason, message, args } of table) {
      recorder.eventf(object, 'Normal', reason, message, ...args);
      await pass(1000);
    }
    calls = server.calls.map(({ verb, event }) => `${verb} ${event.count}`);
    events.push(...server.calls.map(({ event }) => event));
  });
  return { calls, lines, structured, events };
}

describe('EventBroadcaster', () => {
  for (const clientGoCompatible of [false, true])
    describe(clientGoCompatible ? 'as client-go' : 'by default', () => {
      it('creates, patches and logs recorded events, counted by uid and fieldPath (TestEventf)', async () => {
        const { calls, lines, structured, events } = await recordTable(clientGoCompatible);
        expect(calls).to.deep.equal(table.map(({ verb, count }) => `${verb} ${count}`));
        expect(events[0]).to.deep.include({
          involvedObject: {
            kind: 'Pod',
            namespace: 'baz',
            name: 'foo',
            uid: 'bar',
            apiVersion: 'v1',
            resourceVersion: '7',
            fieldPath: 'spec.containers[2]',
          },
          reason: 'Started',
          message: 'some verbose message: 1',
          source: { component: 'eventTest' },
          reportingComponent: 'eventTest',
          reportingInstance: '',
          type: 'Normal',
          eventTime: null,
          firstTimestamp: '2000-01-01T00:00:00.000Z',
        });
        expect(events[0]?.metadata).to.deep.equal({ name: 'foo.d234ccf52430000', namespace: 'baz' });
        expect(lines[0]).to.equal(
          `Event(v1.ObjectReference{Kind:"Pod", Namespace:"baz", Name:"foo", UID:"bar", APIVersion:"v1", ResourceVersion:"7", FieldPath:"spec.containers[2]"}): type: 'Normal' reason: 'Started' some verbose message: 1`,
        );
        expect(lines).to.have.length(table.length);
        expect(structured.lines[1]).to.deep.equal({
          level: 'info',
          message: 'Event occurred',
          fields: {
            object: 'baz/foo',
            fieldPath: '',
            kind: 'Pod',
            apiVersion: 'v1',
            type: 'Normal',
            reason: 'Killed',
            message: 'some other verbose message: 1',
          },
        });
      });

      it('writes an event about an object without a namespace to default (TestEventfNoNamespace)', () =>
        withWorld({ clientGoCompatible }, async ({ events, server, pass }) => {
          const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'foo', uid: 'bar' } };
          events.newRecorder({ component: 'eventTest' }).event(node, 'Normal', 'Started', 'message');
          await pass(0);
          expect(server.calls[0]?.event.metadata.namespace).to.equal('default');
          expect(server.calls[0]?.event.involvedObject).to.deep.equal({
            kind: 'Node',
            name: 'foo',
            uid: 'bar',
            apiVersion: 'v1',
          });
        }));

      it('counts from one again for a second sink (TestMultiSinkCache)', () =>
        withWorld({ clientGoCompatible }, async ({ events, server, pass }) => {
          const recorder = events.newRecorder({ component: 'eventTest' });
          recorder.event(pod, 'Normal', 'Started', 'message');
          await pass(1);
          const second = new FakeApiServer();
          events.startRecordingToSink(second);
          recorder.event(pod, 'Normal', 'Started', 'message');
          await pass(1);
          expect(server.counts()).to.deep.equal([2]);
          expect(second.counts()).to.deep.equal([1]);
        }));

      it('retries a failed write as often as its error allows (TestWriteEventError)', async () => {
        const cases: readonly (readonly [what: string, error: Error, failures: number, attempts: number])[] = [
          ['construction', new RequestConstructionError('cannot be built'), 1000, 1],
          ['rejected', status(400, 'BadRequest'), 1000, 1],
          ['unexpected object', new SyntaxError('not an event'), 1000, 12],
          ['weird', new Error('A weird error'), 1000, 12],
          ['succeeds in the end', new Error('A weird error'), 1, 2],
        ];
        for (const [what, error, failures, attempts] of cases)
          await withWorld({ clientGoCompatible }, async ({ events, server, pass }) => {
            server.failures = Array.from({ length: failures }, () => error);
            events.newRecorder({ component: 'eventTest' }).event(pod, 'Normal', 'Started', 'message');
            await pass(300_000);
            expect(server.calls, what).to.have.length(attempts);
          });
      });

      it('sleeps a random part of ten seconds, then ten each time, and gives up after twelve attempts', () =>
        withWorld({ clientGoCompatible }, async ({ events, server, logger, pass }) => {
          server.outage = networkError();
          events.newRecorder({ component: 'eventTest' }).event(pod, 'Normal', 'Started', 'message');
          await pass(300_000);
          const gaps = server.calls.map(({ atMs }, index) => atMs - (server.calls[index - 1]?.atMs ?? atMs));
          expect(gaps).to.deep.equal([0, 5_000, ...Array.from({ length: 10 }, () => 10_000)]);
          expect(logger.messages('error').at(-1)).to.equal('Unable to write event (retry limit exceeded!)');
          expect(events.counts.dropped.retry_limit).to.equal(1);
        }));

      it('recreates an event that the server has deleted (TestUpdateExpiredEvent)', () =>
        withWorld({ clientGoCompatible }, async ({ events, server, pass }) => {
          const recorder = events.newRecorder({ component: 'eventTest' });
          recorder.event(pod, 'Normal', 'Started', 'message');
          await pass(1000);
          server.stored.clear();
          recorder.event(pod, 'Normal', 'Started', 'message');
          await pass(1000);
          expect(server.summary()).to.deep.equal(['create message 1', 'patch message 2', 'create message 2']);
          const [first, patched, created] = server.calls;
          expect(patched?.event.metadata.resourceVersion).to.equal('1');
          expect(created?.event.metadata).to.deep.equal(first?.event.metadata);
        }));

      it('makes one last attempt for the pending event when it is shut down without time (TestCancelEvent)', async () => {
        const [server, logger] = [new FakeApiServer(), new MemoryLogger()];
        server.outage = new SyntaxError('not an event');
        const events = new EventBroadcaster({ clientGoCompatible, logger, sleepDurationMs: 1_000_000 });
        events.startRecordingToSink(server);
        events.newRecorder({ component: 'eventTest' }).event(pod, 'Normal', 'Started', 'message');
        await settle();
        await events.shutdown({ drainTimeoutMs: 0 });
        await settle();
        expect(server.calls).to.have.length(1);
        expect(events.counts.dropped.shutdown).to.equal(1);
      });

      it('loses none of a thousand events that each fail four times (TestLotsOfEvents)', () =>
        withWorld({ clientGoCompatible, sleepDurationMs: 1 }, async ({ events, server, pass }) => {
          const attempts = new Map<string, number>();
          const create = server.create.bind(server);
          server.create = event => {
            const before = attempts.get(event.message) ?? 0;
            attempts.set(event.message, before + 1);
            return before < 4 ? Promise.reject(networkError()) : create(event);
          };
          let logged = 0;
          events.startLogging(() => (logged += 1));
          const recorder = events.newRecorder({ component: 'eventTest' });
          for (let index = 0; index < 1000; index += 1) {
            const object = { kind: 'Pod', name: `foo-${index}`, namespace: 'baz', uid: 'bar', apiVersion: 'version' };
            recorder.event(object, 'Normal', `Reason-${index}`, String(index));
          }
          await pass(10_000);
          expect(server.stored.size).to.equal(1000);
          expect(logged).to.equal(1000);
          expect([...attempts.values()].every(count => count === 5)).to.equal(true);
        }));

      it('is safe to shut down right after recording (TestNonRacyShutdown)', async () => {
        const logger = new MemoryLogger();
        const events = new EventBroadcaster({ clientGoCompatible, logger });
        const recorder = events.newRecorder({ component: 'eventTest' });
        for (let index = 0; index < 100; index += 1) recorder.eventf(pod, 'Normal', 'Started', 'blah');
        await events.shutdown();
        recorder.event(pod, 'Normal', 'Started', 'too late');
        expect(logger.messages('error')).to.deep.equal(['Unable to record event (will not retry!)']);
      });

      it('stops everything when its signal aborts (TestBroadcasterShutdown)', async () => {
        const abort = new AbortController();
        const events = new EventBroadcaster({ clientGoCompatible, signal: abort.signal });
        const watcher = events.startStructuredLogging(new MemoryLogger());
        abort.abort(new Error('time to stop'));
        await events.shutdown();
        expect(watcher.isStopped).to.equal(true);
        expect(await new EventBroadcaster({ signal: abort.signal }).shutdown()).to.include({ delivered: 0, notDelivered: 0 });
      });

      it('ends its watchers by shutdown (TestStartEventWatcherExitsOnDirectShutdown)', async () => {
        const events = new EventBroadcaster({ clientGoCompatible, sleepDurationMs: 0 });
        const watcher = events.startStructuredLogging(new MemoryLogger());
        await events.shutdown();
        expect(watcher.isStopped).to.equal(true);
        expect(watcher.size).to.equal(0);
      });

      it('returns an empty watch after it was stopped, and logs that', async () => {
        const logger = new MemoryLogger();
        const events = new EventBroadcaster({ clientGoCompatible, logger });
        await events.shutdown();
        for (const watcher of [events.startEventWatcher(() => undefined), events.startRecordingToSink(new FakeApiServer())])
          expect(watcher.isStopped).to.equal(true);
        expect(logger.messages('error')).to.deep.equal([
          'Unable start event watcher (will not retry!)',
          'Unable start event watcher (will not retry!)',
        ]);
      });

      it('passes raw events to watchers one at a time, and survives their errors', () =>
        withWorld({ clientGoCompatible }, async ({ events, logger, pass }) => {
          const counts: number[] = [];
          events.startEventWatcher(({ count, message }) => {
            counts.push(count);
            if (message === 'bad') throw new Error('handler');
          });
          const recorder = events.newRecorder({ component: 'eventTest' });
          for (const message of ['a', 'bad', 'a']) recorder.event(pod, 'Normal', 'Started', message);
          await pass(0);
          expect(counts).to.deep.equal([1, 1, 1]);
          expect(logger.messages('error')).to.deep.equal(['Event handler failed']);
        }));

      it('stops writing to a sink whose watcher is stopped, and counts events that no sink writes', () =>
        withWorld({ clientGoCompatible }, async ({ events, pass }) => {
          const server = new FakeApiServer();
          const watcher = events.startRecordingToSink(server);
          watcher.stop();
          events.newRecorder({ component: 'eventTest' }).event(pod, 'Normal', 'Started', 'message');
          await pass(0);
          expect(server.calls).to.have.length(0);
          expect(events.counts.dropped.no_sink).to.equal(0);
        }));
    });

  it('keeps no process alive, neither by a retry nor by a held count (TestMain)', async () => {
    const program = `
      import { EventBroadcaster } from ${JSON.stringify(new URL('../../../../src/record/core/event-broadcaster.ts', import.meta.url).href)};
      const events = new EventBroadcaster();
      let calls = 0;
      const sink = { create: event => (calls += 1) > 1 ? Promise.reject(new Error('no network')) : Promise.resolve(event), patch: event => Promise.resolve(event) };
      events.startRecordingToSink(sink);
      events.startEventWatcher(() => undefined);
      const recorder = events.newRecorder({ component: 'c' });
      const object = { apiVersion: 'v1', kind: 'Pod', name: 'a', namespace: 'b' };
      for (let i = 0; i < 30; i += 1) { recorder.event(object, 'Normal', 'R', 'held'); await Promise.resolve().then(() => undefined); }
      recorder.event(object, 'Warning', 'R', 'retried');
      process.on('exit', () => process.stdout.write(String(calls)));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    expect(Number(stdout)).to.equal(2);
  });

  it('refuses other types than Normal and Warning, and objects that cannot be referred to; the recorder never throws', () =>
    withWorld({}, async ({ events, server, logger, pass }) => {
      const recorder = events.newRecorder({ component: 'eventTest' });
      recorder.event(pod, 'normal' as EventType, 'Started', 'message');
      recorder.event(null as unknown as Referable, 'Normal', 'Started', 'message');
      recorder.event({ metadata: { name: 'no kind' } }, 'Normal', 'Started', 'message');
      recorder.eventf(pod, 'Normal', 'Started', '%s', {
        toJSON: () => {
          throw new Error('hostile');
        },
      });
      const own = new MemoryLogger();
      recorder.withLogger(own).event('text' as unknown as Referable, 'Normal', 'Started', 'message');
      await pass(0);
      expect(server.calls).to.have.length(1);
      expect(logger.messages('error')).to.deep.equal([
        'Unsupported event type',
        'Could not construct reference, will not report event',
        'Could not construct reference, will not report event',
      ]);
      expect(own.messages('error')).to.have.length(1);
    }));

  it('copies annotations, and takes a message literally', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const annotations: Record<string, string> = { a: '1' };
      const recorder = events.newRecorder({ component: 'c', host: 'h' });
      recorder.annotatedEvent(pod, annotations, 'Warning', 'Reason', '100 %s');
      recorder.annotatedEventf(pod, annotations, 'Warning', 'Reason', '%d%%', 5);
      annotations.a = '2';
      await pass(0);
      expect(server.calls.map(({ event }) => [event.message, event.metadata.annotations])).to.deep.equal([
        ['100 %s', { a: '1' }],
        ['5%', { a: '1' }],
      ]);
      expect(server.calls[0]?.event).to.include({ reportingComponent: 'c', reportingInstance: 'h', type: 'Warning' });
    }));

  it('uses the fake clock of a test without an option', async () => {
    const clock = FakeTimers.install({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const events = new EventBroadcaster();
      const seen: string[] = [];
      events.events$.subscribe(({ firstTimestamp }) => seen.push(firstTimestamp));
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'message');
      expect(seen).to.deep.equal(['1970-01-01T00:00:00.000Z']);
      await events.shutdown();
    } finally {
      clock.uninstall();
    }
  });
});
