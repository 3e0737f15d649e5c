// What consumers hand in may throw, lie, hang or change: recorders never throw, and no event is lost without being counted.
import { expect } from 'chai';
import { config } from 'rxjs';
import type { Logger } from '../../../../src/logging/logger.ts';
import type { CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import type { EventSink } from '../../../../src/record/core/core-v1-sink.ts';
import type { Referable } from '../../../../src/record/pipeline/reference.ts';
import { FakeApiServer, networkError, pod, podNamed, settle, status, withWorld } from './fakes.ts';

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

function throwing(): never {
  throw new Error('hostile');
}

const throwingLogger: Logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };

describe('EventBroadcaster, with a hostile sink', () => {
  for (const [what, failure] of [
    ['nothing', undefined],
    ['a string', 'no'],
    ['an object without a prototype', Object.create(null) as object],
    ['an error that is its own cause', selfCaused()],
    ['an error that cannot be read', new Proxy(new Error('hostile'), { get: throwing, getPrototypeOf: throwing })],
  ] as const)
    for (const clientGoCompatible of [false, true])
      it(`retries when it throws ${what}, at once or later${clientGoCompatible ? ', as client-go' : ''}`, () =>
        withWorld({ clientGoCompatible }, async ({ events, server, pass }) => {
          events.startRecordingToSink(failingFirst(failure));
          events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
          await pass(60_000);
          expect(events.counts).to.deep.include({ recorded: 1, delivered: 2, written: 2 });
          expect(server.counts()).to.deep.equal([1]);
        }));

  it('delays only the one event whose call never ends, and reports it', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const hanging: EventSink = {
        create: event => (event.message === 'hangs' ? new Promise(() => undefined) : server.create(event)),
        patch: (event, patch) => server.patch(event, patch),
      };
      const other = new EventBroadcaster();
      other.startRecordingToSink(hanging);
      const recorder = other.newRecorder({ component: 'c' });
      for (const message of ['hangs', 'hangs', 'a', 'b']) recorder.event(pod, 'Normal', 'Reason', message);
      const flushed = other.flush(1_000);
      await pass(1_000);
      expect(await flushed).to.equal(false);
      const down = other.shutdown({ drainTimeoutMs: 1_000 });
      await pass(1_000);
      expect(await down).to.deep.include({ delivered: 0, notDelivered: 2 });
      expect(other.counts).to.deep.include({ recorded: 4, delivered: 2 });
      expect(events.counts.recorded).to.equal(0);
    }));

  for (const answer of [
    null,
    'text',
    {},
    { metadata: null },
    { metadata: {} },
    { metadata: { name: 7 }, count: NaN },
    [],
    Symbol('a'),
  ])
    for (const clientGoCompatible of [false, true])
      it(`keeps the event that it sent when the answer is ${describeAnswer(answer)}${clientGoCompatible ? ', as client-go' : ''}`, async () => {
        const calls: (readonly [string, number])[] = [];
        const answering = (verb: string) => (event: CoreV1Event) => {
          calls.push([verb, event.count]);
          return Promise.resolve(answer as unknown as CoreV1Event);
        };
        const events = new EventBroadcaster({ clientGoCompatible });
        events.startRecordingToSink({ create: answering('create'), patch: answering('patch') });
        for (let count = 0; count < 3; count += 1) {
          events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
          await settle();
        }
        await events.shutdown();
        expect(calls).to.deep.equal([
          ['create', 1],
          ['patch', 2],
          ['patch', 3],
        ]);
        expect(events.counts.delivered).to.equal(3);
      });

  it('accepts events that the sink itself records while it writes', async () => {
    const server = new FakeApiServer();
    const events = new EventBroadcaster();
    const recorder = events.newRecorder({ component: 'c' });
    events.startRecordingToSink({
      create: event => {
        if (event.message === 'outer') recorder.event(pod, 'Normal', 'Reason', 'inner');
        return server.create(event);
      },
      patch: (event, patch) => server.patch(event, patch),
    });
    recorder.event(pod, 'Normal', 'Reason', 'outer');
    expect(await events.shutdown()).to.deep.include({ delivered: 1, notDelivered: 1 });
    expect(events.counts).to.deep.include({ recorded: 2 });
  });
});

describe('EventBroadcaster, with hostile input', () => {
  for (const clientGoCompatible of [false, true])
    it(`works with a logger that throws${clientGoCompatible ? ', as client-go' : ''}`, () =>
      withWorld({ logger: throwingLogger, clientGoCompatible, maxQueuedEvents: 3 }, async ({ events, server, pass }) => {
        server.failures = [networkError(), status(409, 'AlreadyExists'), status(403, 'Forbidden'), new TypeError('construction')];
        const recorder = events.newRecorder({ component: 'c' });
        events.startEventWatcher(throwing);
        events.startLogging(throwing);
        events.startStructuredLogging(throwingLogger);
        for (const use of [recorder, recorder.withLogger(throwingLogger)]) {
          use.event(undefined as unknown as Referable, 'Normal', 'Reason', 'no object');
          use.event(pod, 'Other' as 'Normal', 'Reason', 'no type');
          for (let index = 0; index < 10; index += 1) use.event(podNamed(`p${index}`), 'Normal', 'Reason', 'm');
          await pass(60_000);
        }
        const down = events.shutdown();
        await pass(5_000);
        await down;
        recorder.event(pod, 'Normal', 'Reason', 'too late');
        const { recorded, delivered, dropped } = events.counts;
        expect(delivered + total(dropped)).to.equal(recorded);
        expect(recorded).to.equal(25);
        expect(delivered).to.be.greaterThan(0);
      }));

  const circular: Record<string, unknown> = { name: 'circular', namespace: 'ns', uid: 'u' };
  circular['self'] = circular;
  const hostileObjects: readonly (readonly [string, unknown, number])[] = [
    ['with circular metadata', { apiVersion: 'v1', kind: 'Pod', metadata: circular }, 1],
    ['without a uid', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'n', namespace: 'ns' } }, 1],
    ['without a namespace', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'u' } }, 1],
    ['without a name', { apiVersion: 'v1', kind: 'Pod', metadata: {} }, 0],
    ['without a prototype', Object.assign(Object.create(null) as object, { kind: 'Pod', metadata: { name: 'n' } }), 1],
    ['that is frozen', Object.freeze({ apiVersion: 'v1', kind: 'Pod', metadata: Object.freeze({ name: 'n' }) }), 1],
    ['that is an empty reference', {}, 0],
    ['without a kind', { metadata: { name: 'n' } }, 0],
    ['without metadata', { kind: 'Pod', metadata: null }, 0],
    ['with metadata that cannot be read', Object.defineProperty({ kind: 'Pod' }, 'metadata', { get: throwing }), 0],
    ['with a name that cannot be read', { kind: 'Pod', metadata: Object.defineProperty({}, 'name', { get: throwing }) }, 0],
    ['that throws whatever is asked of it', new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing }), 0],
    ['that is a string', 'pod', 0],
    ['that is a symbol', Symbol('pod'), 0],
    ['with a number for a name', { kind: 'Pod', metadata: { name: 7 } }, 0],
    ['with an object for a uid', { kind: 'Pod', metadata: { name: 'n', uid: { toString: throwing } } }, 0],
  ];
  for (const [what, object, written] of hostileObjects)
    for (const clientGoCompatible of [false, true])
      it(`${written > 0 ? 'records' : 'refuses'} an object ${what}${clientGoCompatible ? ', as client-go' : ''}`, async () => {
        const server = new FakeApiServer();
        const events = new EventBroadcaster({ clientGoCompatible });
        events.startRecordingToSink(server);
        const recorder = events.newRecorder({ component: 'c' });
        recorder.event(object as Referable, 'Normal', 'Reason', 'hostile');
        recorder.eventf(pod, 'Normal', 'Reason', '%s', 'harmless');
        await events.flush(1_000);
        await events.shutdown();
        expect(server.counts('harmless')).to.deep.equal([1]);
        if (!clientGoCompatible || written > 0) expect(server.counts('hostile')).to.have.length(written);
        const { recorded, delivered, dropped } = events.counts;
        expect(delivered + total(dropped)).to.equal(recorded);
      });

  it('records values at the time of the call: later changes of the object, the annotations and the source have no effect', async () => {
    const server = new FakeApiServer();
    const events = new EventBroadcaster();
    const source = { component: 'c', host: 'h' };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'before', namespace: 'ns', uid: 'u' } };
    const reference = { apiVersion: 'v1', kind: 'Pod', name: 'before', namespace: 'ns', uid: 'r' };
    const annotations: Record<string, string> = { a: 'before' };
    const recorder = events.newRecorder(source);
    recorder.annotatedEvent(object, annotations, 'Normal', 'Reason', 'm');
    recorder.event(reference, 'Normal', 'Reason', 'm');
    object.metadata.name = 'after';
    reference.name = 'after';
    annotations['a'] = 'after';
    source.component = 'after';
    events.startRecordingToSink(server);
    await events.shutdown();
    const stored = [...server.stored.values()];
    expect(stored.map(({ involvedObject }) => involvedObject.name)).to.deep.equal(['before', 'before']);
    expect(stored.map(({ source: from }) => from.component)).to.deep.equal(['c', 'c']);
    expect(stored[0]?.metadata.annotations).to.deep.equal({ a: 'before' });
  });

  for (const option of ['now', 'kindOf', 'keyFunc', 'messageFunc', 'spamKeyFunc'] as const)
    it(`survives a ${option} that throws`, async () => {
      const events = new EventBroadcaster({ [option]: throwing, maxEvents: 1, logger: throwingLogger });
      events.startRecordingToSink(new FakeApiServer());
      events.newRecorder({ component: 'c' }).event({ metadata: { name: 'n' } }, 'Normal', 'Reason', 'm');
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      await settle();
      await events.shutdown();
      const { recorded, delivered, dropped } = events.counts;
      expect(delivered + total(dropped)).to.equal(recorded);
    });

  it('continues to count drops when a subscriber to them throws; RxJS reports it', async () => {
    const reported: unknown[] = [];
    const before = config.onUnhandledError;
    config.onUnhandledError = error => reported.push(error);
    try {
      const events = new EventBroadcaster();
      events.drops.subscribe(throwing);
      await events.shutdown();
      for (let index = 0; index < 3; index += 1) events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      await new Promise(resolve => setTimeout(resolve));
      expect(events.counts.dropped).to.include({ shutdown: 3 });
      expect(reported).to.have.length(3);
    } finally {
      config.onUnhandledError = before;
    }
  });
});

describe('EventBroadcaster, at its limits', () => {
  for (const forever of [Infinity, 2 ** 40])
    it(`waits without a limit for ${forever} ms`, () =>
      withWorld({}, async ({ events, server, pass }) => {
        server.latencyMs = 3_600_000;
        events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
        const flushed = events.flush(forever);
        await pass(3_600_000);
        expect(await flushed).to.equal(true);
        events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
        const down = events.shutdown({ drainTimeoutMs: forever });
        await pass(3_600_000);
        expect(await down).to.deep.include({ delivered: 1, notDelivered: 0 });
      }));

  it('shuts down in time although a handler waits for it', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const results: unknown[] = [];
      events.startEventWatcher(async () => results.push(await events.shutdown()));
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Reason', 'm');
      await pass(5_000);
      expect(results).to.deep.equal([await events.shutdown()]);
      expect(server.counts()).to.deep.equal([1]);
    }));

  it('passes events that a handler records to all handlers, and shuts down at the same time', () =>
    withWorld({}, async ({ events, server, pass }) => {
      const recorder = events.newRecorder({ component: 'c' });
      const seen: string[] = [];
      events.startEventWatcher(({ message }) => {
        seen.push(message);
        if (message.length < 4) recorder.event(pod, 'Normal', 'Reason', `${message}m`);
      });
      recorder.event(pod, 'Normal', 'Reason', 'm');
      await pass(0);
      expect(seen).to.deep.equal(['m', 'mm', 'mmm', 'mmmm']);
      expect(server.counts()).to.deep.equal([1, 1, 1, 1]);
    }));
});

function selfCaused(): Error {
  const error = new Error('hostile');
  error.cause = error;
  return error;
}

/** Fails its first two creates, the first as a rejection, the second at once. */
function failingFirst(failure: unknown): EventSink {
  const server = new FakeApiServer();
  let calls = 0;
  return {
    create: event => {
      calls += 1;
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is no error is what is tried here
      if (calls === 1) return Promise.reject(failure);
      if (calls === 2) throw failure;
      return server.create(event);
    },
    patch: (event, patch) => server.patch(event, patch),
  };
}

function describeAnswer(answer: unknown): string {
  return typeof answer === 'symbol' ? 'a symbol' : JSON.stringify(answer);
}
