// EventCorrelator: turns recorded events into events to write: it aggregates, counts, and filters spam.
//   Port of client-go v0.37.2 tools/record/events_cache.go, in the same order. Answers of the server come back by updateState.
import { correlationRules, type ClientGoOption } from '../client-go/compatibility.ts';
import { patchOf, type CoreV1Event, type EventPatch } from './core-event.ts';
import { timestamp } from '../../time/rfc3339.ts';
import {
  eventAggregatorByReasonMessageFunc,
  withGivenNames,
  type CorrelationRules,
  type EventAggregatorKeyFunc,
  type EventAggregatorMessageFunc,
  type EventGroup,
  type EventKeyFuncs,
  type EventSpamKeyFunc,
  type SpamKey,
} from './correlation-rules.ts';
import { givenName } from '../pipeline/event-name.ts';
import type { Correlation } from '../pipeline/event-policy.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import { LruCache } from '../../collections/lru-cache.ts';
import { TokenBucket } from '../../time/token-bucket.ts';

/** How events are counted, aggregated and held back; docs/recording-events.md has an example. 0 is the default, as in Go. */
export interface CorrelatorOptions extends Pick<PipelineOptions, 'clientGoCompatible' | 'now' | 'nameAnnotation'> {
  /** The largest number of keys in each of the three caches. Default: 4096. */
  readonly lruCacheSize?: number | undefined;
  /** The number of events that a source may write at once about one object and type. Default: 25. */
  readonly burstSize?: number | undefined;
  /** The number of further events per second. Default: 1/300. */
  readonly qps?: number | undefined;
  /** Groups similar events. Default: those that differ only by message and fieldPath. */
  readonly keyFunc?: EventAggregatorKeyFunc | undefined;
  /** The message of the event that stands for similar ones. Default: `(combined from similar events): ` and the newest message. */
  readonly messageFunc?: EventAggregatorMessageFunc | undefined;
  /** The number of different messages of a group from which on they are aggregated; if negative, none are. Default: 10. */
  readonly maxEvents?: number | undefined;
  /** A longer gap between two events ends their group, in seconds. Default: 600. */
  readonly maxIntervalInSeconds?: number | undefined;
  /** Events of one key share a burst. Default: one key for each source, object and type. */
  readonly spamKeyFunc?: EventSpamKeyFunc | undefined;
  /**
   * An event that did not happen for this time is a new event when it happens again, in milliseconds. Default: one hour, the time for which API
   * servers keep events. With `clientGoCompatible` unlimited.
   */
  readonly maxAgeMs?: number | undefined;
}

/** Options of which none is left out. */
export type Given<K extends keyof CorrelatorOptions> = {
  readonly [N in keyof Pick<CorrelatorOptions, K>]-?: NonNullable<CorrelatorOptions[N]>;
};

/** How an event is to be written. If `skip`, the spam filter refuses the event; it is counted nevertheless. */
export interface EventCorrelateResult extends Correlation<CoreV1Event> {
  /** There if the event has been observed before. */
  readonly patch: EventPatch | undefined;
}

const defaults = {
  lruCacheSize: 4096,
  burstSize: 25,
  qps: 1 / 300,
  maxEvents: 10,
  maxIntervalInSeconds: 600,
  maxAgeMs: 3_600_000,
};

/** The options of an `EventAggregator`. */
export interface AggregatorOptions
  extends ClientGoOption, Given<'lruCacheSize' | 'keyFunc' | 'messageFunc' | 'maxEvents' | 'maxIntervalInSeconds' | 'now'> {
  /** The key of an event that is not aggregated. */
  readonly eventKeyFunc: (event: CoreV1Event) => string;
  /** See `EventKeyFuncs`. */
  readonly objectOf?: EventKeyFuncs['objectOf'];
}

/** Makes one event of many similar ones. */
export class EventAggregator {
  readonly #options: AggregatorOptions;
  readonly #rules: CorrelationRules;
  readonly #groups: LruCache<EventGroup>;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#rules = correlationRules(options);
    this.#groups = new LruCache(options.lruCacheSize);
  }

  /**
   * The event itself, or its aggregate from the `maxEvents`th different message on, if no gap between two events of the group was longer than
   * `maxIntervalInSeconds`; and the key that it is counted under.
   */
  eventAggregate(event: CoreV1Event, nowMs = this.#options.now()): { event: CoreV1Event; key: string } {
    const { eventKeyFunc, keyFunc, objectOf, messageFunc, maxEvents, maxIntervalInSeconds } = this.#options;
    // As in Go, where it is unsigned: a negative number is never reached.
    if (maxEvents < 0) return { event, key: eventKeyFunc(event) };
    const object = objectOf?.(event);
    const first = object === undefined ? undefined : (object.group ??= newGroup(event));
    const isOfFirst = first !== undefined && isOf(first, event);
    const group = isOfFirst ? first : this.#groups.getOrCreate(keyFunc(event).aggregateKey, () => newGroup(event));
    const localKey = isOfFirst ? event.message : keyFunc(event).localKey;
    if (nowMs - group.lastMs > maxIntervalInSeconds * 1000) group.localKeys = [];
    const { localKeys } = group;
    if (!localKeys.includes(localKey)) localKeys.push(localKey);
    group.lastMs = nowMs;
    if (localKeys.length < maxEvents) return { event, key: eventKeyFunc(event) };

    // Differs from client-go, which forgets any of them: equal input gives equal output.
    localKeys.shift();
    const aggregate = this.#rules.newAggregate(event, messageFunc(event), nowMs, timestamp(nowMs));
    return { event: aggregate, key: this.#rules.aggregateKeyOf(keyFunc(event).aggregateKey) };
  }
}

function newGroup({ reason, reportingComponent, reportingInstance }: CoreV1Event): EventGroup {
  return { reason, reportingComponent, reportingInstance, localKeys: [], lastMs: -Infinity };
}

function isOf(group: EventGroup, { reason, reportingComponent, reportingInstance }: CoreV1Event): boolean {
  return (
    group.reason === reason && group.reportingComponent === reportingComponent && group.reportingInstance === reportingInstance
  );
}

/** What is remembered of an event that has been observed. */
interface EventLog {
  count: number;
  firstTimestamp: string;
  name: string;
  resourceVersion: string | undefined;
  observedMs: number;
}

/** The options of an `EventLogger`. */
export type EventLoggerOptions = ClientGoOption & Given<'lruCacheSize' | 'maxAgeMs' | 'now'>;

/** Counts how often each event was observed. */
export class EventLogger {
  readonly #options: EventLoggerOptions;
  readonly #logs: LruCache<EventLog>;
  readonly #rules: CorrelationRules;

  constructor(options: EventLoggerOptions) {
    this.#options = options;
    this.#logs = new LruCache(options.lruCacheSize);
    this.#rules = correlationRules(options);
  }

  /** The event with its count, first time and first name, and the patch that writes them; the event alone if it is new. */
  eventObserve(event: CoreV1Event, key: string, nowMs = this.#options.now()): Pick<EventCorrelateResult, 'event' | 'patch'> {
    const known = this.#logs.getOrCreate(key, newLog);
    if (known.count <= 0 || nowMs - known.observedMs > this.#options.maxAgeMs) {
      remember(known, event, event.count, nowMs);
      return { event, patch: undefined };
    }
    const { firstTimestamp, name, resourceVersion } = known;
    const metadata = { ...event.metadata, name, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    known.count += 1;
    known.observedMs = nowMs;
    const counted = { ...event, metadata, firstTimestamp, count: known.count };
    return { event: counted, patch: patchOf(counted) };
  }

  /** Remembers the event as the server has it. */
  updateState(event: CoreV1Event, key: string): void {
    const known = this.#logs.getOrCreate(key, newLog);
    remember(known, event, this.#rules.answeredCount(event.count, known.count), this.#options.now());
  }
}

/** A log of nothing yet; the one of a forgotten event is used again. */
function newLog(forgotten: EventLog | undefined): EventLog {
  if (forgotten === undefined) return { count: 0, firstTimestamp: '', name: '', resourceVersion: undefined, observedMs: 0 };
  forgotten.count = 0;
  return forgotten;
}

function remember(log: EventLog, { firstTimestamp, metadata }: CoreV1Event, count: number, observedMs: number): void {
  log.count = count;
  log.firstTimestamp = firstTimestamp;
  log.name = metadata.name;
  log.resourceVersion = metadata.resourceVersion;
  log.observedMs = observedMs;
}

/** The limits of the filter. */
export interface SpamFilterOptions extends Given<'lruCacheSize' | 'burstSize' | 'qps' | 'now'> {
  /** Events of one key share a burst. */
  readonly spamKeyFunc: (event: CoreV1Event) => SpamKey;
}

/** A token bucket for each source, object and type. */
export class EventSourceObjectSpamFilter {
  readonly #options: SpamFilterOptions;
  readonly #buckets: LruCache<TokenBucket>;

  constructor(options: SpamFilterOptions) {
    // Go's qps is a float32; with it a token returns after 299.9999927 s.
    this.#options = { ...options, qps: Math.fround(options.qps) };
    this.#buckets = new LruCache(options.lruCacheSize);
  }

  /** True if the event is to be skipped; else it has taken a token. */
  filter(event: CoreV1Event, nowMs = this.#options.now()): boolean {
    return !this.#bucketOf(event).tryAccept(nowMs);
  }

  /** How long until an event like this one would not be skipped. */
  msUntilAccepted(event: CoreV1Event): number {
    return this.#bucketOf(event).msUntilToken(this.#options.now());
  }

  #bucketOf(event: CoreV1Event): TokenBucket {
    const { spamKeyFunc, qps, burstSize: burst } = this.#options;
    const key = spamKeyFunc(event);
    if (typeof key !== 'string') return (key.bucket ??= new TokenBucket({ qps, burst }));
    return this.#buckets.getOrCreate(key, () => new TokenBucket({ qps, burst }));
  }
}

/** 0 is the default, as in Go. */
function numbersOf(options: CorrelatorOptions): typeof defaults {
  const numbers = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const given = options[name];
    if (given !== undefined && given !== 0) numbers[name] = given;
  }
  return numbers;
}

/** Decides for each event whether and how it is written. */
export class EventCorrelator {
  /** The key of an event that is not aggregated. */
  readonly eventKey: (event: CoreV1Event) => string;
  readonly #nameAnnotation: string | undefined;
  readonly #rules: CorrelationRules;
  readonly #now: () => number;
  readonly #aggregator: EventAggregator;
  readonly #logger: EventLogger;
  readonly #spamFilter: EventSourceObjectSpamFilter;

  constructor(options: CorrelatorOptions = {}) {
    const { keyFunc, messageFunc, spamKeyFunc } = options;
    const rules = correlationRules(options);
    const nameAnnotation = rules.nameAnnotation(options.nameAnnotation);
    const given = { ...options, ...numbersOf(options), now: options.now ?? Date.now };
    const ownKeys = rules.newKeyFuncs(given.lruCacheSize);
    const chosen = keyFunc === undefined ? ownKeys : { ...ownKeys, objectOf: undefined, aggregate: keyFunc };
    const keys = nameAnnotation === undefined ? chosen : withGivenNames(chosen, nameAnnotation);
    this.#rules = rules;
    this.#nameAnnotation = nameAnnotation;
    this.#now = given.now;
    this.eventKey = keys.eventKey;
    this.#aggregator = new EventAggregator({
      ...given,
      eventKeyFunc: keys.eventKey,
      keyFunc: keys.aggregate,
      objectOf: keys.objectOf,
      messageFunc: messageFunc ?? eventAggregatorByReasonMessageFunc,
    });
    this.#logger = new EventLogger({ ...given, maxAgeMs: rules.maxAgeMs(given.maxAgeMs) });
    this.#spamFilter = new EventSourceObjectSpamFilter({ ...given, spamKeyFunc: spamKeyFunc ?? keys.spamKey });
  }

  /** Counts the event. @returns what to write @throws an Error if there is no event */
  eventCorrelate(event: CoreV1Event | null | undefined): EventCorrelateResult {
    if (event === null || event === undefined) throw new Error('event is nil');
    const nowMs = this.#now();
    const { event: aggregated, key } = this.#aggregator.eventAggregate(event, nowMs);
    // A named event is written once: recorded again it is still the first occurrence.
    if (aggregated === event && givenName(event.metadata.annotations, this.#nameAnnotation) !== undefined)
      return { event, patch: undefined, skip: false, key, isAggregate: false };
    const { event: counted, patch } = this.#logger.eventObserve(aggregated, key, nowMs);
    const isSpam = this.#spamFilter.filter(counted, nowMs);
    const skip = isSpam && this.#rules.skips(patch !== undefined);
    return { event: counted, patch, skip, key, isAggregate: aggregated !== event };
  }

  /** Remembers the server's answer for an event. @param key Default: the event's own key. An aggregate has another. */
  updateState(event: CoreV1Event, key = this.eventKey(event)): void {
    this.#logger.updateState(event, key);
  }

  /** How long until the spam filter would let through an event like this one; `Infinity` for never. */
  msUntilAccepted(event: CoreV1Event): number {
    return this.#spamFilter.msUntilAccepted(event);
  }

  /** Takes a token for a skipped event, if there is one now. */
  tryAccept(event: CoreV1Event): boolean {
    return !this.#spamFilter.filter(event);
  }
}
