import { expect } from 'chai';
import { type CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { timestamp } from '../../../../src/time/rfc3339.ts';
import type { ObjectReference } from '../../../../src/record/pipeline/reference.ts';
import type { CorrelatorOptions } from '../../../../src/record/core/event-correlator.ts';
import { EventCorrelator } from '../../../../src/record/core/event-correlator.ts';
import {
  eventAggregatorByReasonFunc,
  eventAggregatorByReasonMessageFunc,
  type EventSpamKeyFunc,
} from '../../../../src/record/core/correlation-rules.ts';

function reference(name = 'my-pod', namespace = 'my-ns'): ObjectReference {
  return {
    kind: 'Pod',
    name,
    namespace,
    uid: 'C934D34AFB20242',
    apiVersion: 'version',
    fieldPath: 'spec.containers{mycontainer}',
  };
}

function eventOf(reason: string, message: string, involvedObject = reference()): CoreV1Event {
  return {
    metadata: { name: `${involvedObject.name ?? ''}.1`, namespace: involvedObject.namespace ?? '' },
    involvedObject,
    reason,
    message,
    source: { component: 'kubelet', host: 'kublet.node1' },
    firstTimestamp: timestamp(0),
    lastTimestamp: timestamp(0),
    count: 1,
    type: 'Normal',
    eventTime: null,
    reportingComponent: '',
    reportingInstance: '',
  };
}

/** A clock that moves on each time that it is read. */
function intervalClock(seconds: number): () => number {
  let ms = Date.UTC(2026, 0, 1);
  return () => (ms += seconds * 1000);
}

/** Correlates one event at the clock's time, as if the write were answered with what was written. */
function play(correlator: EventCorrelator, event: CoreV1Event, now: () => number): ReturnType<EventCorrelator['eventCorrelate']> {
  const at = timestamp(now());
  const result = correlator.eventCorrelate({ ...event, firstTimestamp: at, lastTimestamp: at });
  if (!result.skip) correlator.updateState(result.event, result.key);
  return result;
}

const first = eventOf('first', 'i am first');
const duplicate = eventOf('duplicate', 'me again');
const similar = eventOf('similar', 'similar message', { ...reference(), fieldPath: 'spec.containers{container1}' });
const otherContainer = { ...similar, involvedObject: { ...similar.involvedObject, fieldPath: 'spec.containers{container2}' } };
const times = (count: number, event: CoreV1Event): CoreV1Event[] => Array.from({ length: count }, () => event);
const similars = (count: number): CoreV1Event[] =>
  Array.from({ length: count }, (_, index) => ({ ...similar, message: `${similar.message}-${index}` }));
const unique = Array.from({ length: 30 }, (_, index) =>
  eventOf(`reason-${index}`, `message-${index}`, reference(`pod-${index}`, `ns-${index}`)),
);
const aggregateMessage = eventAggregatorByReasonMessageFunc(similar);

const scenarios: readonly (readonly [
  what: string,
  before: readonly CoreV1Event[],
  event: CoreV1Event,
  intervalSeconds: number,
  expected: { count: number; message: string } | 'skip',
])[] = [
  ['creates a single event', [], first, 5, { count: 1, message: first.message }],
  ['counts the same event', times(1, duplicate), duplicate, 5, { count: 2, message: duplicate.message }],
  [
    'counts the same event, more often than what is aggregated',
    times(10, duplicate),
    duplicate,
    30,
    { count: 11, message: duplicate.message },
  ],
  ['skips the same event if it happens too frequently', times(26, duplicate), duplicate, 1, 'skip'],
  ['creates many unique events', unique, eventOf('unique', 'snowflake'), 5, { count: 1, message: 'snowflake' }],
  ['aggregates similar events', similars(9), similar, 5, { count: 1, message: aggregateMessage }],
  ['counts the aggregate', similars(10), similar, 5, { count: 2, message: aggregateMessage }],
  [
    'does not aggregate two events of different containers',
    times(1, otherContainer),
    similar,
    5,
    { count: 1, message: similar.message },
  ],
  ['does not aggregate over a gap as long as the interval', similars(9), similar, 600, { count: 1, message: similar.message }],
];

describe('EventCorrelator', () => {
  it('returns one aggregate key for events that differ only by message (TestEventAggregatorByReasonFunc)', () => {
    const [fun, awful, bug] = [
      eventOf('end-of-world', 'it was fun'),
      eventOf('end-of-world', 'it was awful'),
      eventOf('nevermind', 'it was a bug'),
    ].map(eventAggregatorByReasonFunc);
    expect(fun!.aggregateKey).to.equal(awful!.aggregateKey);
    expect(fun!.localKey).not.to.equal(awful!.localKey);
    expect(fun!.aggregateKey).not.to.equal(bug!.aggregateKey);
  });

  it('marks the message of an aggregate (TestEventAggregatorByReasonMessageFunc)', () => {
    expect(aggregateMessage).to.equal('(combined from similar events): similar message');
  });

  for (const clientGoCompatible of [false, true])
    describe(clientGoCompatible ? 'as client-go (TestEventCorrelator)' : 'by default (TestEventCorrelator)', () => {
      for (const [what, before, event, intervalSeconds, expected] of scenarios)
        it(what, () => {
          const now = intervalClock(intervalSeconds);
          const correlator = new EventCorrelator({ now, clientGoCompatible });
          for (const earlier of before) play(correlator, earlier, now);
          const { event: result, skip, patch } = play(correlator, event, now);
          if (expected === 'skip') return expect(skip).to.equal(true);
          expect(skip).to.equal(false);
          expect(result).to.include(expected);
          expect(result.involvedObject).to.deep.equal(event.involvedObject);
          expect(patch !== undefined).to.equal(expected.count > 1);
          return expect(result.firstTimestamp === result.lastTimestamp).to.equal(expected.count === 1);
        });
    });

  describe('spam filter (TestEventSpamFilter)', () => {
    const byReason: EventSpamKeyFunc = ({ involvedObject, reason }) => `${involvedObject.uid ?? ''}/${reason}`;
    const cases: readonly (readonly [
      what: string,
      event: CoreV1Event,
      spamKeyFunc: EventSpamKeyFunc | undefined,
      skip: boolean,
    ])[] = [
      ['has one bucket for all reasons of an object', eventOf('other', 'me again'), undefined, true],
      ['has a bucket for each reason if its key function says so', eventOf('other', 'me again'), byReason, false],
      ['has one bucket for all messages of that reason', eventOf('original', 'me again'), byReason, true],
    ];
    for (const [what, event, spamKeyFunc, skip] of cases)
      it(what, () => {
        const now = intervalClock(1);
        const correlator = new EventCorrelator({ now, burstSize: 1, spamKeyFunc, clientGoCompatible: true });
        play(correlator, eventOf('original', 'i am first'), now);
        expect(play(correlator, event, now).skip).to.equal(skip);
      });

    it('never skips the first occurrence by default, and skips the second', () => {
      const correlator = new EventCorrelator({ now: () => 0, burstSize: 1 });
      expect(correlator.eventCorrelate(first).skip).to.equal(false);
      expect(correlator.eventCorrelate(duplicate).skip).to.equal(false);
      expect(correlator.eventCorrelate(duplicate)).to.deep.include({ skip: true });
    });

    it('has a token after 300 s, not before, and separate ones for Normal and Warning', () => {
      let ms = 0;
      const correlator = new EventCorrelator({ now: () => ms, clientGoCompatible: true });
      const skips = (event: CoreV1Event): boolean => correlator.eventCorrelate(event).skip;
      for (let index = 0; index < 25; index += 1) expect(skips(duplicate)).to.equal(false);
      ms = 299_999;
      expect(skips(duplicate)).to.equal(true);
      expect(skips({ ...duplicate, type: 'Warning' })).to.equal(false);
      ms = 300_000;
      expect(correlator.msUntilAccepted(duplicate)).to.equal(0);
      const { skip, event } = correlator.eventCorrelate(duplicate);
      expect([skip, event.count]).to.deep.equal([false, 27]);
      expect(correlator.msUntilAccepted(duplicate)).to.be.closeTo(300_000, 1);
    });
  });

  const at = (options: CorrelatorOptions, ms = { now: 0 }): { correlator: EventCorrelator; ms: { now: number } } => ({
    correlator: new EventCorrelator({ now: () => ms.now, burstSize: 1000, ...options }),
    ms,
  });

  it('aggregates from the tenth different message on, deterministically, forgetting the oldest', () => {
    const outcomes = [1, 2].map(() => {
      const { correlator } = at({});
      return [...similars(12), similars(1)[0]!, similars(12)[11]!].map(event => {
        const { event: result, isAggregate } = correlator.eventCorrelate(event);
        return `${isAggregate} ${result.count}`;
      });
    });
    expect(outcomes[0]).to.deep.equal([
      ...Array.from({ length: 9 }, () => 'false 1'),
      'true 1',
      'true 2',
      'true 3',
      'true 4',
      'false 1',
    ]);
    expect(outcomes[0]).to.deep.equal(outcomes[1]);
  });

  it('ends a group after a gap of more than the interval, counted from the last event of it', () => {
    const { correlator, ms } = at({ maxEvents: 2 });
    const aggregates = [0, 600_000, 1_200_000, 1_800_001].map((now, index) => {
      ms.now = now;
      return correlator.eventCorrelate(similars(4)[index]).isAggregate;
    });
    expect(aggregates).to.deep.equal([false, true, true, false]);
  });

  it('aggregates nothing if maxEvents is negative', () => {
    const { correlator } = at({ maxEvents: -1 });
    expect(similars(30).map(event => correlator.eventCorrelate(event).isAggregate)).to.not.include(true);
  });

  it('keeps annotations and reporting fields in an aggregate by default, and a valid name', () => {
    const event = {
      ...similar,
      reportingComponent: 'c',
      reportingInstance: 'i',
      metadata: { ...similar.metadata, annotations: { a: '1' } },
    };
    const { event: aggregate } = at({ maxEvents: 1 }).correlator.eventCorrelate(event);
    expect(aggregate).to.deep.include({ reportingComponent: 'c', reportingInstance: 'i', metadata: event.metadata });
    const { event: asClientGo } = at({ maxEvents: 1, clientGoCompatible: true }).correlator.eventCorrelate(event);
    expect(asClientGo).to.deep.include({
      reportingComponent: '',
      reportingInstance: '',
      metadata: { name: 'my-pod.0', namespace: 'my-ns' },
    });
  });

  it('distinguishes by default events that client-go takes for one', () => {
    const ab = { ...first, source: { component: 'ab', host: 'c' } };
    const bc = { ...first, source: { component: 'a', host: 'bc' } };
    for (const [clientGoCompatible, count] of [
      [false, 1],
      [true, 2],
    ] as const) {
      const { correlator } = at({ clientGoCompatible });
      correlator.eventCorrelate(ab);
      expect(correlator.eventCorrelate(bc).event.count).to.equal(count);
    }
  });

  it('has keys that are equal only if all their fields are', () => {
    const { correlator } = at({});
    const fields: readonly Partial<CoreV1Event>[] = [
      { reason: '1:a', message: '' },
      { reason: '', message: '3:1:a' },
      { reason: '1:', message: 'a' },
      { reason: '', message: '2:1:a' },
    ];
    expect(new Set(fields.map(field => correlator.eventKey({ ...first, ...field }))).size).to.equal(fields.length);
  });

  it('remembers name, first time and count of the server’s answer, also for an aggregate', () => {
    const { correlator } = at({ maxEvents: 1 });
    const { event, key } = correlator.eventCorrelate(similar);
    correlator.updateState(
      {
        ...event,
        count: 5,
        firstTimestamp: '1999-01-01T00:00:00Z',
        metadata: { ...event.metadata, name: 'renamed', resourceVersion: '9' },
      },
      key,
    );
    const next = correlator.eventCorrelate(similar);
    expect(next.event).to.include({ count: 6, firstTimestamp: '1999-01-01T00:00:00Z' });
    expect(next.event.metadata).to.include({ name: 'renamed', resourceVersion: '9' });
    expect(next.patch).to.deep.equal({ count: 6, lastTimestamp: '1970-01-01T00:00:00Z', message: aggregateMessage });
  });

  it('leaves an empty message out of a patch', () => {
    const { correlator } = at({});
    const silent = { ...first, message: '' };
    correlator.eventCorrelate(silent);
    expect(correlator.eventCorrelate(silent).patch).to.deep.equal({ count: 2, lastTimestamp: '1970-01-01T00:00:00Z' });
  });

  it('counts from one again after an hour without an occurrence; never as client-go', () => {
    for (const [clientGoCompatible, counts] of [
      [false, [1, 2, 1]],
      [true, [1, 2, 3]],
    ] as const) {
      const { correlator, ms } = at({ clientGoCompatible });
      const counted = [0, 3_600_000, 7_200_001].map(now => {
        ms.now = now;
        return correlator.eventCorrelate(first).event.count;
      });
      expect(counted).to.deep.equal(counts);
    }
  });

  it('forgets the event used longest ago when its cache is full', () => {
    const { correlator } = at({ lruCacheSize: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map(message => eventOf('reason', message));
    const counts = [a, b, a, c, a, b].map(event => correlator.eventCorrelate(event).event.count);
    expect(counts).to.deep.equal([1, 1, 2, 1, 3, 1]);
  });

  it('accepts negative options, as client-go: nothing cached, everything skipped, no refill', () => {
    const correlator = new EventCorrelator({ now: () => 0, lruCacheSize: -1, clientGoCompatible: true });
    expect([first, first].map(event => correlator.eventCorrelate(event).event.count)).to.deep.equal([1, 1]);
    expect(new EventCorrelator({ burstSize: -1, clientGoCompatible: true }).eventCorrelate(first).skip).to.equal(true);
    expect(new EventCorrelator({ burstSize: -1 }).msUntilAccepted(first)).to.equal(Infinity);
    let ms = 0;
    const drained = new EventCorrelator({ now: () => (ms += 1e9), qps: -1, burstSize: 1, clientGoCompatible: true });
    expect([first, first].map(event => drained.eventCorrelate(event).skip)).to.deep.equal([false, true]);
    expect(drained.msUntilAccepted(first)).to.equal(Infinity);
  });

  it('refuses null and undefined', () => {
    expect(() => new EventCorrelator().eventCorrelate(undefined)).to.throw('event is nil');
  });
});
