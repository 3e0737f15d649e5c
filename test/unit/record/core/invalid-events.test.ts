// Events that cannot be recorded: each is logged with its object and reason, counted as `invalid`, and among the drops.
import { expect } from 'chai';
import { EventBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import type { EventType } from '../../../../src/record/core/core-event.ts';
import type { EventRecorder } from '../../../../src/record/core/event-recorder.ts';
import { FakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { recordEvents } from '../../../../src/record/core/event-broadcaster.ts';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { FakeRecorder as FakeEventsV1Recorder } from '../../../../src/record/events/fake-recorder.ts';
import type { Referable } from '../../../../src/record/pipeline/reference.ts';
import { FakeApiServer, MemoryLogger, networkError, pod, withWorld } from './fakes.ts';

const nothing = {} as Referable;
const container = { name: 'nginx', image: 'nginx:1' } as unknown as Referable;
const listed = { metadata: { namespace: 'default', name: 'from-a-list', uid: '1' } };

const invalid: readonly (readonly [string, Referable, string, string, string])[] = [
  ['an object without a kind', listed, 'Normal', 'Read', 'Could not construct reference, will not report event'],
  ['nothing', nothing, 'Normal', 'Read', 'Could not construct reference, will not report event'],
  ['a container', container, 'Normal', 'Read', 'Could not construct reference, will not report event'],
  ['a reference without a name', { kind: 'Pod' }, 'Normal', 'Read', 'Could not construct reference, will not report event'],
  ['another type', pod, 'Started', 'Normal', 'Unsupported event type'],
  ['an empty reason', pod, 'Normal', '', 'Event has no reason'],
];

describe('An invalid event', () => {
  for (const [what, object, type, reason, message] of invalid)
    it(`with ${what} is dropped as invalid, counted, and logged with its reason`, () =>
      withWorld({}, async ({ events, server, logger, pass }) => {
        const drops: unknown[] = [];
        events.drops.subscribe(({ cause, count, event }) => drops.push([cause, count, event.reason]));
        events.newRecorder({ component: 'c' }).event(object, type as EventType, reason, 'm');
        await pass(0);
        expect(server.calls).to.deep.equal([]);
        expect(drops).to.deep.equal([['invalid', 1, reason]]);
        expect(events.counts).to.deep.include({ recorded: 1, delivered: 0 });
        expect(events.counts.dropped.invalid).to.equal(1);
        expect(logger.lines.map(line => [line.level, line.message, line.fields.reason])).to.deep.equal([
          ['error', message, reason],
        ]);
      }));

  it('of a wrong type names its object in the log', () =>
    withWorld({}, ({ events, logger }) => {
      events.newRecorder({ component: 'c' }).event(pod, 'Started' as EventType, 'Normal', 'm');
      expect(logger.lines[0]?.fields).to.include({ object: 'Pod baz/foo', eventType: 'Started', reason: 'Normal' });
      return Promise.resolve();
    }));

  it('is counted by the recorder of events.k8s.io/v1 too', async () => {
    const events = new EventsV1Broadcaster({ logger: new MemoryLogger() });
    const reporter = { reportingController: 'example.com/c', reportingInstance: 'c-1' };
    events.newRecorder(reporter).eventf(listed, undefined, 'Normal', 'Read', 'Reading', 'n');
    expect(await events.shutdown()).to.include({ notDelivered: 0 });
    expect(events.counts).to.deep.include({ recorded: 1 });
    expect(events.counts.dropped.invalid).to.equal(1);
  });

  it('makes a strict FakeRecorder throw, and no other', () => {
    for (const [, object, type, reason, message] of invalid) {
      expect(() => {
        new FakeRecorder({ strict: true }).event(object, type as EventType, reason, 'm');
      }).to.throw(message);
      new FakeRecorder().event(object, type as EventType, reason, 'm');
    }
    expect(() => {
      new FakeEventsV1Recorder({ strict: true }).eventf(listed, undefined, 'Normal', 'Read', 'Reading', 'n');
    }).to.throw('Could not construct reference');
  });
});

describe('A recorder', () => {
  it('has a kindOf of its own, beside that of its broadcaster', () =>
    withWorld({ kindOf: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }) }, async ({ events, server, pass }) => {
      events.newRecorder({ component: 'c' }).event(listed, 'Normal', 'Read', 'a');
      events
        .newRecorder({ component: 'c' }, { kindOf: () => ({ apiVersion: 'v1', kind: 'Pod' }) })
        .event(listed, 'Normal', 'Read', 'b');
      await pass(0);
      expect(server.calls.map(({ event }) => event.involvedObject.kind)).to.deep.equal(['ConfigMap', 'Pod']);
    }));

  it('refuses {} and a container at compile time', () => {
    const fake = new FakeRecorder();
    const recorder: EventRecorder = fake;
    // @ts-expect-error -- an event about nothing
    recorder.event({}, 'Normal', 'Read', 'm');
    // @ts-expect-error -- no reference: it has no kind
    recorder.event({ name: 'nginx', image: 'nginx:1' }, 'Normal', 'Read', 'm');
    expect(fake.events).to.have.length(2);
  });
});

describe('A FakeRecorder', () => {
  it('keeps each event as an object beside its line', () => {
    const recorder = new FakeRecorder({ strict: true, kindOf: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }) });
    recorder.annotatedEventf(listed, { a: '1' }, 'Warning', 'Read', '%d keys', 3);
    expect(recorder.records).to.deep.equal([
      { object: listed, type: 'Warning', reason: 'Read', message: '3 keys', annotations: { a: '1' } },
    ]);
  });
});

describe('The options of a broadcaster', () => {
  for (const Broadcaster of [EventBroadcaster, EventsV1Broadcaster])
    for (const [name, value] of [
      ['concurrency', 0],
      ['concurrency', NaN],
      ['maxQueuedEvents', -1],
      ['maxQueuedEvents', 0],
      ['sleepDurationMs', -1],
      ['drainTimeoutMs', NaN],
    ] as const)
      it(`of ${Broadcaster.name} refuse ${name} ${value}, by name`, () => {
        expect(() => new Broadcaster({ [name]: value })).to.throw(RangeError, `${name} must be a number of at least`);
      });

  it('have counts that cannot be written, and of which a spread is a snapshot', () =>
    withWorld({}, async ({ events, pass }) => {
      const before = { ...events.counts };
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Read', 'm');
      await pass(0);
      expect([before.recorded, events.counts.recorded]).to.deep.equal([0, 1]);
      expect(() => Object.assign(events.counts, { recorded: 7 })).to.throw(TypeError);
    }));
});

describe('An outage', () => {
  it('is one log line at the level error for an event, with the cause and without the whole event', () =>
    withWorld({}, async ({ events, server, logger, pass }) => {
      server.outage = new TypeError('fetch failed', { cause: networkError() });
      events.newRecorder({ component: 'c' }).event(pod, 'Normal', 'Read', 'm');
      await pass(60_000);
      expect(server.calls.length).to.be.greaterThan(3);
      expect(logger.messages('error')).to.deep.equal(['Unable to write event (may retry after sleeping)']);
      const [{ fields } = { fields: {} }] = logger.lines;
      expect(Object.keys(fields)).to.have.members(['error', 'event', 'object', 'eventType', 'reason']);
      expect(fields).to.include({ error: server.outage, object: 'Pod baz/foo', reason: 'Read' });
    }));
});

describe('recordEvents', () => {
  it('writes the events of its recorder to the API, and shuts down at the end of a scope', async () => {
    const server = new FakeApiServer();
    const bodies: { reason: string; source: object }[] = [];
    const createNamespacedEvent = ({ body }: { body: never }) => {
      bodies.push(body);
      return Promise.resolve({});
    };
    {
      await using events = recordEvents(
        { createNamespacedEvent, patchNamespacedEvent: () => Promise.resolve({}) },
        { component: 'c' },
      );
      events.recorder.event(pod, 'Normal', 'Read', 'm');
    }
    expect(bodies.map(({ reason, source }) => [reason, source])).to.deep.equal([['Read', { component: 'c' }]]);
    expect(server.calls).to.deep.equal([]);
  });
});
