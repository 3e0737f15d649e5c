// SeriesCorrelator: makes series of events that happen again. Before and after it: ../keyed-delivery.ts.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordToSink, getKey).
import { givenName } from '../pipeline/event-name.ts';
import { LruCache } from '../../collections/lru-cache.ts';
import type { Correlation, Correlator } from '../pipeline/correlation.ts';
import { seriesKey, type EventsV1Event } from './event.ts';

export interface SeriesCorrelatorOptions {
  /** How many series are counted at once. */
  readonly cacheSize: number;
  /** Whether what happens again with another note is another event. */
  readonly distinguishesNotes: boolean;
  /** An event with a name in this annotation is like no other. */
  readonly nameAnnotation: string | undefined;
  /** A series is counted no longer: what is unwritten of it is to be written. */
  readonly onEnd: (key: string) => void;
}

interface Series {
  /** Under which its writes are in order. A series that begins after the end of one like it has another. */
  readonly key: string;
  /** As it happened last. */
  event: EventsV1Event;
  count: number;
  lastMs: number;
}

/** No JSON text has it, so that a series is found by the key of its writes. */
const separator = '\n';

export class SeriesCorrelator implements Correlator<EventsV1Event> {
  readonly #options: SeriesCorrelatorOptions;
  /** The series that has been quiet for longest is the first to be forgotten. */
  readonly #series: LruCache<Series>;

  constructor(options: SeriesCorrelatorOptions) {
    this.#options = options;
    this.#series = new LruCache(options.cacheSize);
  }

  /** How many series are counted. */
  get size(): number {
    return this.#series.size;
  }

  continues(event: EventsV1Event): boolean {
    return this.#series.get(this.#keyOf(event)) !== undefined;
  }

  /** The first and the second time it is to be written at once; later counts can wait. */
  eventCorrelate(event: EventsV1Event): Correlation<EventsV1Event> {
    const seriesKey = this.#keyOf(event);
    if (givenName(event.metadata.annotations, this.#options.nameAnnotation) !== undefined)
      // It is told once: recorded again it is still the first time.
      return { event, skip: false, key: `${seriesKey}${separator}${event.metadata.name}`, isAggregate: false };
    const known = this.#series.get(seriesKey);
    if (known === undefined) return this.#begin(seriesKey, event);
    known.count += 1;
    known.lastMs = Date.parse(event.eventTime);
    known.event = { ...known.event, series: { count: known.count, lastObservedTime: event.eventTime } };
    return { event: known.event, skip: known.count > 2, key: known.key, isAggregate: false };
  }

  /** The event may have got another name than its first. */
  updateState({ metadata: { name } }: EventsV1Event, key: string): void {
    const known = this.#series.get(key.slice(0, key.lastIndexOf(separator)));
    if (known?.key !== key || known.event.metadata.name === name) return;
    known.event = { ...known.event, metadata: { ...known.event.metadata, name } };
  }

  /** Forgets the series whose last event was before `ms`. */
  end(ms: number): void {
    for (let oldest = this.#series.oldest; oldest !== undefined && oldest.value.lastMs < ms; oldest = this.#series.oldest) {
      this.#series.delete(oldest.key);
      this.#options.onEnd(oldest.value.key);
    }
  }

  #begin(seriesKey: string, event: EventsV1Event): Correlation<EventsV1Event> {
    const evicted = this.#series.reuse(seriesKey);
    const key = `${seriesKey}${separator}${event.metadata.name}`;
    this.#series.set(seriesKey, { key, event, count: 1, lastMs: Date.parse(event.eventTime) });
    if (evicted !== undefined) this.#options.onEnd(evicted.key);
    return { event, skip: false, key, isAggregate: false };
  }

  #keyOf(event: EventsV1Event): string {
    const key = seriesKey(event, false);
    return this.#options.distinguishesNotes ? `${key} ${JSON.stringify(event.note)}` : key;
  }
}
