// ClientGoSeriesDelivery: client-go's way to a sink of events.k8s.io/v1: each event on its own, and its series in an unbounded cache that all
//   sinks share. Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordToSink, refreshExistingEventSeries, finishSeries).
import { repeat } from '../../time/repeat.ts';
import { eventsV1Shape, seriesKey, type EventsV1Event, type SeriesPatch } from '../events/event.ts';
import { microTime } from '../../time/rfc3339.ts';
import { finishTimeMs, refreshTimeMs, seriesRetryDelayMs } from '../events/series.ts';
import type { DeliveryOptions, EventDelivery } from '../pipeline/delivery.ts';
import { ClientGoWriter } from './writer.ts';

/** An event of the cache: its series is counted in place. */
interface CountedEvent extends Omit<EventsV1Event, 'series'> {
  series?: { count: number; lastObservedTime: string };
}

export type SeriesCache = Map<string, { event: CountedEvent }>;

export class ClientGoSeriesDelivery implements EventDelivery {
  readonly #now: () => number;
  readonly #writer: ClientGoWriter<EventsV1Event, SeriesPatch>;
  readonly #cancellation = new AbortController();
  readonly #cache: SeriesCache;
  readonly #pending = new Set<Promise<unknown>>();

  /** @param cache the series so far; all sinks share them */
  constructor(options: DeliveryOptions<EventsV1Event, SeriesPatch>, cache: SeriesCache, signal: AbortSignal | undefined) {
    const { now, sleepDurationMs, random } = options;
    this.#now = now;
    this.#cache = cache;
    this.#writer = new ClientGoWriter({
      ...options,
      shape: eventsV1Shape,
      retryDelayMs: () => seriesRetryDelayMs(sleepDurationMs, random),
      retriesExisting: true,
      signal: this.#cancellation.signal,
    });
    if (signal?.aborted === true) this.abandon();
    signal?.addEventListener('abort', () => this.abandon(), { once: true });
    void repeat(refreshTimeMs, () => this.#refreshExistingEventSeries(), this.#cancellation.signal);
    void repeat(finishTimeMs, () => this.#finishSeries(), this.#cancellation.signal);
    // A sink finds the series of the one before it.
    if (cache.size > 0) void this.#refreshExistingEventSeries().then(() => this.#finishSeries());
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Writes a first event and the start of a series; further events are only counted until the series is refreshed or finished. */
  accept(recorded: EventsV1Event): void {
    const key = seriesKey(recorded, true);
    const known = this.#cache.get(key);
    const lastObservedTime = microTime(this.#now());
    if (known?.event.series !== undefined) {
      known.event.series.count += 1;
      known.event.series.lastObservedTime = lastObservedTime;
      return;
    }
    const cached = known ?? { event: copyOf(recorded) };
    if (known === undefined) this.#cache.set(key, cached);
    else cached.event.series = { count: 2, lastObservedTime };
    const writing: Promise<unknown> = this.#writer.write(copyOf(cached.event));
    this.#pending.add(writing);
    void writing.then(() => this.#pending.delete(writing));
  }

  /** Does not wait for counts of series: at a shutdown they are lost. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Stops at once. A running attempt continues. */
  abandon(): void {
    this.#cancellation.abort();
  }

  async #refreshExistingEventSeries(): Promise<void> {
    for (const cached of this.#cache.values()) {
      if (cached.event.series !== undefined) await this.#refresh(cached);
    }
  }

  /** @returns whether the count needs no further attempt */
  async #refresh(cached: { event: CountedEvent }): Promise<boolean> {
    const { event } = cached;
    const attempt = await this.#writer.attempt(event);
    if (attempt.kind === 'recorded' && attempt.answer !== event) {
      // The cache has the newer series: events were counted before the answer arrived.
      cached.event = { ...copyOf(attempt.answer), ...(event.series === undefined ? {} : { series: event.series }) };
    }
    return attempt.kind !== 'retry';
  }

  async #finishSeries(): Promise<void> {
    const isOver = (time: string) => Date.parse(time) < this.#now() - finishTimeMs;
    for (const [key, cached] of this.#cache) {
      const { series, eventTime } = cached.event;
      if (!isOver(series?.lastObservedTime ?? eventTime)) continue;
      if (series === undefined || ((await this.#refresh(cached)) && isOver(series.lastObservedTime))) this.#cache.delete(key);
    }
  }
}

function copyOf(event: EventsV1Event): CountedEvent {
  return { ...event, ...(event.series === undefined ? {} : { series: { ...event.series } }) };
}
