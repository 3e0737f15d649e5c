// Which events are similar: the groups of the aggregator, by the default keys, against the plainest model of them.
import { expect } from 'chai';
import fc from 'fast-check';
import { newEvent, type CoreV1Event } from '../../../../src/record/core/core-event.ts';
import { EventCorrelator } from '../../../../src/record/core/event-correlator.ts';

const happening = fc.record({
  gapMs: fc.constantFrom(0, 1, 59_999, 60_000, 60_001),
  name: fc.constantFrom('a', 'b'),
  type: fc.constantFrom('Normal', 'Warning'),
  reason: fc.constantFrom('R', 'S', 'T'),
  component: fc.constantFrom('c', 'd'),
  fieldPath: fc.constantFrom(undefined, 'spec'),
  message: fc.constantFrom('m', 'n', 'o', 'p'),
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function eventOf({ name, type, reason, component, fieldPath, message }: Happening, nowMs: number): CoreV1Event {
  const reference = { kind: 'Pod', name, uid: `uid of ${name}`, ...(fieldPath === undefined ? {} : { fieldPath }) };
  return newEvent({ reference, name, annotations: undefined, type, reason, message, source: { component }, nowMs });
}

/** The messages of each group, oldest first, and when its last event was. */
class GroupModel {
  readonly #groups = new Map<string, { messages: string[]; lastMs: number }>();

  isAggregate({ name, type, reason, component, message }: Happening, maxEvents: number, nowMs: number): boolean {
    const key = JSON.stringify([name, type, reason, component]);
    const old = this.#groups.get(key);
    const before = old === undefined || nowMs - old.lastMs > 60_000 ? [] : old.messages;
    const messages = before.includes(message) ? before : [...before, message];
    const isAggregate = messages.length >= maxEvents;
    this.#groups.set(key, { messages: isAggregate ? messages.slice(1) : messages, lastMs: nowMs });
    return isAggregate;
  }
}

describe('Groups of similar events', () => {
  it('are forgotten with all of their messages when there are too many', () => {
    const correlator = new EventCorrelator({ maxEvents: 2, lruCacheSize: 1, burstSize: 1000, now: () => 0 });
    const happenings = [
      ['R', 'm'],
      ['S', 'm'],
      ['T', 'm'],
      ['S', 'n'],
      ['S', 'o'],
    ] as const;
    const aggregates = happenings.map(([reason, message]) => {
      const one = { gapMs: 0, name: 'a', type: 'Normal', reason, component: 'c', fieldPath: undefined, message } as Happening;
      return correlator.eventCorrelate(eventOf(one, 0)).isAggregate;
    });
    expect(aggregates).to.deep.equal([false, false, false, false, true]);
  });

  it('have one source, object, type and reason each, for any number per object, and end with a gap', () =>
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (happenings, maxEvents) => {
        let nowMs = Date.UTC(2000, 0, 1);
        const correlator = new EventCorrelator({ maxEvents, maxIntervalInSeconds: 60, burstSize: 1000, now: () => nowMs });
        const model = new GroupModel();
        const keys = new Map<string, string>();
        for (const one of happenings) {
          nowMs += one.gapMs;
          const { isAggregate, key } = correlator.eventCorrelate(eventOf(one, nowMs));
          expect(isAggregate).to.equal(model.isAggregate(one, maxEvents, nowMs));
          if (!isAggregate) continue;
          const group = JSON.stringify([one.name, one.type, one.reason, one.component]);
          expect(keys.get(group) ?? key).to.equal(key, 'all aggregates of a group are counted as one');
          keys.set(group, key);
        }
        expect(new Set(keys.values()).size).to.equal(keys.size, 'and no two groups are');
      }),
      { numRuns: 300 },
    ));
});
