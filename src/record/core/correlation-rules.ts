// CorrelationRules: the decisions of an EventCorrelator that client-go makes differently (client-go/compatibility.ts).
import type { CoreV1Event } from './core-event.ts';
import { numberedKeyFuncs, type EventKeyFuncs } from './event-keys.ts';

export interface CorrelationRules {
  newKeyFuncs(lruCacheSize: number): EventKeyFuncs;
  /** The event that stands for the group of `event`. */
  newAggregate(event: CoreV1Event, message: string, nowMs: number, now: string): CoreV1Event;
  /** The key under which the aggregates of a group are counted. */
  aggregateKeyOf(groupKey: string): string;
  /** Whether the spam filter holds back an event that it refuses. */
  skips(isRepeated: boolean): boolean;
  /** The count that is remembered once the server has answered. */
  answeredCount(answered: number, observed: number): number;
  maxAgeMs(option: number): number;
  nameAnnotation(option: string | undefined): string | undefined;
}

/** Keeps the counts of an aggregate and of a plain event apart, even if their keys are equal. */
const aggregatePrefix = '+';

export const defaultRules: CorrelationRules = {
  newKeyFuncs: numberedKeyFuncs,
  /** Differs from client-go: annotations and reporting fields are kept, and so is the name, which is valid. */
  newAggregate: (event, message, _nowMs, now) => ({ ...event, message, count: 1, firstTimestamp: now, lastTimestamp: now }),
  aggregateKeyOf: groupKey => `${aggregatePrefix}${groupKey}`,
  /** Differs from client-go: a first occurrence is always written, however many other events there were. */
  skips: isRepeated => isRepeated,
  /** Differs from client-go, which waits for the answer: events observed in the meantime count. */
  answeredCount: (answered, observed) => Math.max(answered, observed),
  maxAgeMs: option => option,
  nameAnnotation: option => option,
};
