// CorrelationRules: the decisions of an EventCorrelator that client-go makes differently (client-go/compatibility.ts).
import type { CoreV1Event } from './core-event.ts';
import { numberedKeyFuncs, type EventKeyFuncs } from './event-keys.ts';

export type CorrelationRules = typeof defaultRules;

/** Keeps the counts of an aggregate and of a plain event apart, even if their keys are equal. */
const aggregatePrefix = '+';

export const defaultRules = {
  newKeyFuncs: (lruCacheSize: number): EventKeyFuncs => numberedKeyFuncs(lruCacheSize),
  /** The event that stands for a group. Differs from client-go: annotations and reporting fields are kept, and so is the name, which is valid. */
  newAggregate: (event: CoreV1Event, message: string, _nowMs: number, now: string): CoreV1Event => ({
    ...event,
    message,
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
  }),
  /** The key under which the aggregates of a group are counted. */
  aggregateKeyOf: (groupKey: string) => `${aggregatePrefix}${groupKey}`,
  /** Whether an event that the spam filter refuses is held. Differs from client-go: a first occurrence is always written. */
  skips: (isRepeated: boolean) => isRepeated,
  /** The count after an answer. Differs from client-go, which waits for the answer: events observed in the meantime count. */
  answeredCount: (answered: number, observed: number) => Math.max(answered, observed),
  maxAgeMs: (option: number) => option,
  nameAnnotation: (option: string | undefined) => option,
};
