// Which events are the same, similar, or of one source: the three keys of event-correlator.ts.
//   Port of client-go v0.37.2 tools/record/events_cache.go (getEventKey, getSpamKey, EventAggregatorByReasonFunc).
import type { ObjectReference } from '../pipeline/reference.ts';
import type { CoreV1Event, EventSource } from './core-event.ts';
import { givenName } from '../pipeline/event-name.ts';
import { LocalKeys, type EventGroup } from './local-keys.ts';
import { LruCache } from '../../collections/lru-cache.ts';
import type { PassiveTokenBucket } from '../../time/passive-token-bucket.ts';

/** Groups similar events: all of one `aggregateKey`; in a group, different `localKey`s are different events. */
export type EventAggregatorKeyFunc = (event: CoreV1Event) => { readonly aggregateKey: string; readonly localKey: string };
/** The message of the event that stands for a group, from the newest one of it. */
export type EventAggregatorMessageFunc = (event: CoreV1Event) => string;
/** Whose burst an event counts against: all events of one key share it. */
export type EventSpamKeyFunc = (event: CoreV1Event) => string;
/** A key of a consumer's own `EventSpamKeyFunc`, or what the default ones go by. */
export type SpamKey = string | KnownObject;

/** One source, object and type. */
export class KnownObject {
  readonly number: number;
  /** @internal What its events take tokens from; there once it has had one. */
  bucket: PassiveTokenBucket | undefined;
  /** Most objects have one group of similar events; it lies here, since a cache costs more to look into. */
  #group: (EventGroup & GroupFields) | undefined;

  constructor(number: number) {
    this.number = number;
    this.bucket = undefined;
  }

  /** @internal The group of similar events that the object has had first, if `event` is of it. */
  firstGroup({ reason, reportingComponent, reportingInstance, message }: CoreV1Event): EventGroup | undefined {
    const group = this.#group;
    if (group === undefined) {
      const localKeys = new LocalKeys(message);
      this.#group = { localKeys, lastMs: -Infinity, key: undefined, reason, reportingComponent, reportingInstance };
      return this.#group;
    }
    const isOfIt =
      group.reason === reason && group.reportingComponent === reportingComponent && group.reportingInstance === reportingInstance;
    return isOfIt ? group : undefined;
  }
}

/** What the similar events of an object have in common. */
type GroupFields = Pick<CoreV1Event, 'reason' | 'reportingComponent' | 'reportingInstance'>;

/** How a correlator tells events apart. */
export interface EventKeyFuncs {
  /** The same event happened again if this is the same. */
  readonly eventKey: (event: CoreV1Event) => string;
  /** Similar are events which differ only by message and fieldPath. */
  readonly aggregate: EventAggregatorKeyFunc;
  /** Whose burst an event counts against: one source, one object, one type. */
  readonly spamKey: (event: CoreV1Event) => SpamKey;
  /** There if `aggregate` groups by this, reason and reporting fields, and tells messages apart in a group. */
  readonly objectOf?: ((event: CoreV1Event) => KnownObject) | undefined;
}

/** client-go's: the newest message, marked as combined. */
export function eventAggregatorByReasonMessageFunc(event: CoreV1Event): string {
  return `(combined from similar events): ${event.message}`;
}

/** Groups events which differ only by message and fieldPath. */
export function eventAggregatorByReasonFunc(event: CoreV1Event): { aggregateKey: string; localKey: string } {
  const { reason, reportingComponent, reportingInstance, message } = event;
  return { aggregateKey: joined(objectKey(event), reason, reportingComponent, reportingInstance), localKey: message };
}

/**
 * Keys which are equal only if all their fields are. Source, object and type, which all three share, have a number: a short key costs a
 * third of a long one. Numbers are forgotten as the entries of a cache of that size are, so none is given twice to what one still knows.
 */
export class NumberedKeyFuncs implements EventKeyFuncs {
  readonly #objects: LruCache<KnownObject>;
  #last = 0;
  /** Each event has three keys. */
  #latest: { source?: EventSource; involvedObject?: ObjectReference; type?: string; object: KnownObject } = {
    object: new KnownObject(0),
  };

  constructor(lruCacheSize: number) {
    this.#objects = new LruCache(lruCacheSize);
  }

  readonly eventKey = (event: CoreV1Event): string =>
    joined(this.spamKey(event).number, event.involvedObject.fieldPath ?? '', event.reason, event.message);

  readonly aggregate = (event: CoreV1Event): { aggregateKey: string; localKey: string } => {
    const { reason, reportingComponent, reportingInstance, message } = event;
    return { aggregateKey: joined(this.spamKey(event).number, reason, reportingComponent, reportingInstance), localKey: message };
  };

  readonly spamKey = (event: CoreV1Event): KnownObject => {
    const { source, involvedObject, type } = event;
    const latest = this.#latest;
    if (latest.involvedObject === involvedObject && latest.source === source && latest.type === type) return latest.object;
    const key = objectKey(event);
    let object = this.#objects.get(key);
    if (object === undefined) {
      this.#last += 1;
      object = new KnownObject(this.#last);
      this.#objects.set(key, object);
    }
    this.#latest = { source, involvedObject, type, object };
    return object;
  };

  readonly objectOf = this.spamKey;
}

/** The same keys, but an event with a given name is like no other; see CorrelatorOptions.nameAnnotation. */
export function withGivenNames(keys: EventKeyFuncs, nameAnnotation: string): EventKeyFuncs {
  const withName = (key: string, { metadata }: CoreV1Event): string => {
    const name = givenName(metadata.annotations, nameAnnotation);
    return name === undefined ? key : `${key}\0${name}`;
  };
  return {
    ...keys,
    objectOf: undefined,
    eventKey: event => withName(keys.eventKey(event), event),
    aggregate: event => {
      const { aggregateKey, localKey } = keys.aggregate(event);
      return { aggregateKey, localKey: withName(localKey, event) };
    },
  };
}

const separator = '\0';

/** Four fields as one. The last may hold the separator; if another does, it is JSON, which has none. */
function joined(a: string | number, b: string, c: string, last: string): string {
  if (b.includes(separator) || c.includes(separator)) return JSON.stringify([a, b, c, last]);
  return `${a}\0${b}\0${c}\0${last}`;
}

/** Of the source that recorded last: most processes have one. */
let latestSource: { source?: EventSource; type?: string; key: string } = { key: '' };

function sourceKey(source: EventSource, type: string): string {
  if (latestSource.source === source && latestSource.type === type) return latestSource.key;
  const { component = '', host = '' } = source;
  const hasSeparator = component.includes(separator) || host.includes(separator);
  const key = hasSeparator ? JSON.stringify([component, host, type]) : `${component}\0${host}\0${type}`;
  latestSource = { source, type, key };
  return key;
}

function objectKey({ source, involvedObject, type }: CoreV1Event): string {
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '' } = involvedObject;
  const from = sourceKey(source, type);
  const hasSeparator =
    kind.includes(separator) || namespace.includes(separator) || name.includes(separator) || uid.includes(separator);
  if (hasSeparator) return JSON.stringify([from, kind, namespace, name, uid, apiVersion]);
  return `${from}\0${kind}\0${namespace}\0${name}\0${uid}\0${apiVersion}`;
}
