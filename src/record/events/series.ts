// SeriesPolicy: counts events that happen again as a series, and decides when their counts are written.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordToSink, getKey, refreshExistingEventSeries, finishSeries).
import { LruCache } from '../../collections/lru-cache.ts';
import { repeat } from '../../time/repeat.ts';
import { givenName } from '../pipeline/event-name.ts';
import type { DeliveryOptions } from '../pipeline/delivery.ts';
import type { Correlation, EventPolicy } from '../pipeline/event-policy.ts';
import { maxTriesPerEvent } from '../pipeline/event-writer.ts';
import type { WriteQueue } from '../pipeline/write-queue.ts';
import { eventsV1Shape, seriesKey, type EventsV1Event, type SeriesPatch } from './event.ts';

/** See `EventsV1BroadcasterOptions`. */
export interface SeriesOptions extends DeliveryOptions<EventsV1Event, SeriesPatch> {
  readonly cacheSize: number;
  readonly distinguishesNotes: boolean;
}

interface Series {
  /** The key of its writes. A series that starts after the end of an equal one has another key. */
  readonly key: string;
  /** Its last occurrence. */
  event: EventsV1Event;
  count: number;
  lastMs: number;
}

/** An event that did not happen for this time is over; the next one like it is a new one. */
export const finishTimeMs = 6 * 60_000;
/** How often the count of a continuing series is written. */
export const refreshTimeMs = 30 * 60_000;
/** The largest part of a retry's delay that is added at random. */
const jitter = 0.25;
/** Attempts after those of a single event, one every six minutes: for an hour, after which API servers delete an event. */
const maxFurtherTries = 10;
/** Occurs in no JSON text, so that the series can be read from the key of a write. */
const separator = '\n';

/** The delay before client-go retries a write of events.k8s.io/v1. */
export function seriesRetryDelayMs(sleepDurationMs: number, random: () => number): number {
  return sleepDurationMs * (1 + random() * jitter);
}

export class SeriesPolicy implements EventPolicy<EventsV1Event, SeriesPatch> {
  readonly shape = eventsV1Shape;
  /** The cache bounds the number of held counts. */
  readonly maxHeld = Infinity;
  readonly flushesHeld = true;
  readonly dueAt = (): number => Infinity;
  readonly #options: SeriesOptions;
  /** The series that has been quiet for longest is forgotten first. */
  readonly #series: LruCache<Series>;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.#series = new LruCache(options.cacheSize);
  }

  continues(event: EventsV1Event): boolean {
    return this.#series.get(this.#keyOf(event)) !== undefined;
  }

  /** The first and the second occurrence are written at once; later counts wait until the series is refreshed or finished. */
  correlate(event: EventsV1Event): Correlation<EventsV1Event> {
    const id = this.#keyOf(event);
    const key = `${id}${separator}${event.metadata.name}`;
    // A named event is written once: recorded again it is still the first occurrence.
    if (givenName(event.metadata.annotations, this.#options.nameAnnotation) !== undefined)
      return { event, skip: false, key, isAggregate: false };
    const lastMs = Date.parse(event.eventTime);
    const known = this.#series.get(id);
    if (known === undefined) {
      const ended = this.#series.set(id, { key, event, count: 1, lastMs })?.key;
      return { event, skip: false, key, isAggregate: false, ended };
    }
    known.count += 1;
    known.lastMs = lastMs;
    known.event = { ...known.event, series: { count: known.count, lastObservedTime: event.eventTime } };
    return { event: known.event, skip: known.count > 2, key: known.key, isAggregate: false };
  }

  /** The server may have the event under another name than its first. */
  updateState({ metadata: { name } }: EventsV1Event, key: string): void {
    const known = this.#series.get(key.slice(0, key.lastIndexOf(separator)));
    if (known?.key !== key || known.event.metadata.name === name) return;
    known.event = { ...known.event, metadata: { ...known.event.metadata, name } };
  }

  retryDelayMs(): number {
    return seriesRetryDelayMs(this.#options.sleepDurationMs, this.#options.random);
  }

  /** As client-go, which writes the count of a series again at the next refresh. A single event is dropped. */
  keepsUnwritten(event: EventsV1Event, tries: number): boolean {
    return event.series !== undefined && tries <= maxTriesPerEvent + maxFurtherTries;
  }

  /** Forgets the series whose last event was before `ms`. @returns the keys of their writes */
  end(ms: number): string[] {
    const ended: string[] = [];
    for (let oldest = this.#series.oldest; oldest !== undefined && oldest.value.lastMs < ms; oldest = this.#series.oldest) {
      this.#series.delete(oldest.key);
      ended.push(oldest.value.key);
    }
    return ended;
  }

  #keyOf(event: EventsV1Event): string {
    const key = seriesKey(event, false);
    return this.#options.distinguishesNotes ? `${key} ${JSON.stringify(event.note)}` : key;
  }
}

/** Writes the counts of continuing and finished series until the queue drains. */
export function tendSeries(queue: WriteQueue<EventsV1Event, SeriesPatch>, policy: SeriesPolicy, now: () => number): void {
  // Neither rejects: nothing in them throws.
  void repeat(refreshTimeMs, () => queue.held.releaseAll(), queue.ending);
  const finish = () => {
    for (const key of policy.end(now() - finishTimeMs)) queue.release(key);
    queue.held.releaseUnwritten();
  };
  void repeat(finishTimeMs, finish, queue.ending);
}
