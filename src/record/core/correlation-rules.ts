// CorrelationRules: the keys by which a correlator distinguishes events, and its other decisions.
//   Port of client-go v0.37.2 tools/record/events_cache.go (getEventKey, getSpamKey, EventAggregatorByReasonFunc).
import { LruCache } from '../../collections/lru-cache.ts';
import type { TokenBucket } from '../../time/token-bucket.ts';
import { givenName } from '../pipeline/event-name.ts';
import type { CoreV1Event } from './core-event.ts';

/** Groups similar events: those with one `aggregateKey`. In a group, different `localKey`s are different events. */
export type EventAggregatorKeyFunc = (event: CoreV1Event) => { readonly aggregateKey: string; readonly localKey: string };
/** The message of the event that stands for a group, made from the newest event. */
export type EventAggregatorMessageFunc = (event: CoreV1Event) => string;
/** Events of one key share a burst of the spam filter. */
export type EventSpamKeyFunc = (event: CoreV1Event) => string;
/** A key of a consumer's own `EventSpamKeyFunc`, or the object by which the default keys distinguish events. */
export type SpamKey = string | KnownObject;

/** One source, object and type. Its tokens and its first group are stored here, since a cache costs more to look into. */
export interface KnownObject {
  number: string;
  /** @internal */
  bucket: TokenBucket | undefined;
  /** @internal */
  group: EventGroup | undefined;
}

/** Similar events, which may become one. */
export interface EventGroup extends Pick<CoreV1Event, 'reason' | 'reportingComponent' | 'reportingInstance'> {
  /** The keys of its different events, oldest first: at most `maxEvents`, so few that a Set would be slower. */
  localKeys: string[];
  /** The time of the last event. */
  lastMs: number;
}

/** How a correlator distinguishes events. */
export interface EventKeyFuncs {
  /** The same for repetitions of an event. */
  readonly eventKey: (event: CoreV1Event) => string;
  /** The same for events that differ only by message and fieldPath. */
  readonly aggregate: EventAggregatorKeyFunc;
  /** The same for events of one source, object and type. */
  readonly spamKey: (event: CoreV1Event) => SpamKey;
  /** Set if `aggregate` groups by this, reason and reporting fields, and distinguishes the messages of a group. */
  readonly objectOf?: ((event: CoreV1Event) => KnownObject) | undefined;
}

/** client-go's message of an aggregate: the newest message, marked as combined. */
export const eventAggregatorByReasonMessageFunc = ({ message }: CoreV1Event): string =>
  `(combined from similar events): ${message}`;

/** Groups events that differ only by message and fieldPath. */
export const eventAggregatorByReasonFunc: EventAggregatorKeyFunc = event => aggregateKeys(objectKey(event), event);

function aggregateKeys(object: string, event: CoreV1Event): { aggregateKey: string; localKey: string } {
  const { reason, reportingComponent, reportingInstance, message } = event;
  return { aggregateKey: joined(object, reason, reportingComponent, reportingInstance), localKey: message };
}

/**
 * Unambiguous keys. Source, object and type, which all three keys share, have a number each, since short keys are cheaper. A cache bounds
 * the numbers; none is used twice.
 */
function numberedKeyFuncs(lruCacheSize: number): EventKeyFuncs {
  const objects = new LruCache<KnownObject>(lruCacheSize);
  let last = 0;
  let latest: { readonly event: CoreV1Event; readonly object: KnownObject } | undefined;
  // A forgotten object is used again: it is an old one for the garbage collector.
  const newObject = (object: KnownObject = { number: '', bucket: undefined, group: undefined }): KnownObject => {
    last += 1;
    return Object.assign(object, { number: String(last), bucket: undefined, group: undefined });
  };
  // An event has three keys, and the next event is often about the same object.
  const objectOf = (event: CoreV1Event): KnownObject => {
    if (latest !== undefined && isAboutSame(latest.event, event)) return latest.object;
    const object = objects.getOrCreate(objectKey(event), newObject);
    latest = { event, object };
    return object;
  };
  return {
    objectOf,
    spamKey: objectOf,
    eventKey: event => joined(objectOf(event).number, event.involvedObject.fieldPath ?? '', event.reason, event.message),
    aggregate: event => aggregateKeys(objectOf(event).number, event),
  };
}

/** The same keys, but a named event is like no other; see `nameAnnotation`. */
export function withGivenNames(keys: EventKeyFuncs, nameAnnotation: string): EventKeyFuncs {
  const withName = (key: string, { metadata }: CoreV1Event): string => {
    const name = givenName(metadata.annotations, nameAnnotation);
    return name === undefined ? key : `${key}\0${name}`;
  };
  return {
    spamKey: keys.spamKey,
    eventKey: event => withName(keys.eventKey(event), event),
    aggregate: event => {
      const { aggregateKey, localKey } = keys.aggregate(event);
      return { aggregateKey, localKey: withName(localKey, event) };
    },
  };
}

const separator = '\0';

/** Four fields as one. The last one may contain the separator; if another does, the result is JSON, which has none. */
function joined(a: string, b: string, c: string, last: string): string {
  if (b.includes(separator) || c.includes(separator)) return JSON.stringify([a, b, c, last]);
  return `${a}\0${b}\0${c}\0${last}`;
}

function isAboutSame({ source, involvedObject, type }: CoreV1Event, other: CoreV1Event): boolean {
  const { name, namespace, kind, uid, apiVersion } = other.involvedObject;
  return (
    involvedObject.name === name &&
    involvedObject.namespace === namespace &&
    involvedObject.kind === kind &&
    involvedObject.uid === uid &&
    involvedObject.apiVersion === apiVersion &&
    source.component === other.source.component &&
    source.host === other.source.host &&
    type === other.type
  );
}

function objectKey({ source, involvedObject, type }: CoreV1Event): string {
  const { component = '', host = '' } = source;
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '' } = involvedObject;
  const fields = [component, host, type, kind, namespace, name, uid];
  for (const field of fields) if (field.includes(separator)) return JSON.stringify([...fields, apiVersion]);
  return `${component}\0${host}\0${type}\0${kind}\0${namespace}\0${name}\0${uid}\0${apiVersion}`;
}

/** The decisions of an EventCorrelator that client-go makes differently (client-go/compatibility.ts). */
export type CorrelationRules = typeof defaultRules;

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
  /** The key under which the aggregates of a group are counted, never that of a plain event. */
  aggregateKeyOf: (groupKey: string) => `+${groupKey}`,
  /** Whether an event that the spam filter refuses is held. Differs from client-go: a first occurrence is always written. */
  skips: (isRepeated: boolean) => isRepeated,
  /** The count after an answer. Differs from client-go, which waits for the answer: events observed in the meantime count. */
  answeredCount: (answered: number, observed: number) => Math.max(answered, observed),
  maxAgeMs: (option: number) => option,
  nameAnnotation: (option: string | undefined) => option,
};
