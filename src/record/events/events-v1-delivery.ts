// EventsV1Delivery: makes series of what was recorded, and keeps one sink up to date with them. Before it: events-v1-broadcaster.ts.
//   After it: events-v1-writer.ts. Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordToSink, refreshExistingEventSeries,
//   finishSeries).
import { startTimer } from '../timer.ts';
import { microTime, seriesKey, type EventsV1Event } from './events-v1-event.ts';
import { EventsV1Writer, type EventsV1WriterOptions } from './events-v1-writer.ts';

export type DeliveryDropCause = 'queue_full' | 'rejected' | 'retry_limit' | 'shutdown';

export interface EventsV1DeliveryOptions extends Omit<EventsV1WriterOptions, 'signal'> {
  readonly now: () => number;
  readonly maxQueuedEvents: number;
  readonly clientGoCompatible: boolean;
  readonly onDrop: (cause: DeliveryDropCause) => void;
  /** The series so far; client-go shares them among all starts. */
  readonly cache: Map<string, CachedEvent>;
}

/** An event that did not happen for so long is over; the next one like it is a new one. */
const finishTimeMs = 6 * 60_000;
/** How often the count of a series that goes on is written. */
const refreshTimeMs = 30 * 60_000;

export interface CachedEvent {
  event: EventsV1Event;
  /** The count that was last given to the sink. */
  writtenCount: number;
}

export class EventsV1Delivery {
  readonly #options: EventsV1DeliveryOptions;
  readonly #writer: EventsV1Writer;
  readonly #cancellation = new AbortController();
  readonly #cache: Map<string, CachedEvent>;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: EventsV1DeliveryOptions) {
    this.#options = options;
    this.#writer = new EventsV1Writer({ ...options, signal: this.#cancellation.signal });
    this.#cache = options.cache;
    this.#every(refreshTimeMs, () => this.#refreshExistingEventSeries());
    this.#every(finishTimeMs, () => this.#finishSeries());
    // A start finds the series of the one before it.
    if (options.cache.size > 0) void this.#refreshExistingEventSeries();
  }

  /** Writes a first event, and the start of a series; further ones are only counted until the series is refreshed or finished. */
  accept(recorded: EventsV1Event): void {
    const { now, clientGoCompatible, maxQueuedEvents, onDrop } = this.#options;
    const key = seriesKey(recorded, clientGoCompatible);
    const known = this.#cache.get(key);
    const lastObservedTime = microTime(now());
    if (known?.event.series !== undefined) {
      known.event.series.count += 1;
      known.event.series.lastObservedTime = lastObservedTime;
      return;
    }
    if (this.#pending.size >= maxQueuedEvents) {
      onDrop('queue_full');
      return;
    }
    const cached = known ?? { event: copyOf(recorded), writtenCount: 1 };
    if (known === undefined) this.#cache.set(key, cached);
    else cached.event.series = { count: 2, lastObservedTime };
    this.#start(this.#write(cached, copyOf(cached.event)));
  }

  /** Writes what is pending and, but for client-go's way, the counts that the sink does not know yet. */
  async drain(): Promise<void> {
    await Promise.all(this.#pending);
    if (this.#options.clientGoCompatible || this.#cancellation.signal.aborted) return;
    await Promise.all(
      [...this.#cache.values()]
        .filter(({ event, writtenCount }) => (event.series?.count ?? 1) > writtenCount)
        .map(cached => this.#write(cached, copyOf(cached.event))),
    );
  }

  /** Gives up at once. An attempt that is under way goes on. */
  abandon(): void {
    this.#cancellation.abort();
  }

  #start(writing: Promise<void>): void {
    this.#pending.add(writing);
    void writing.then(() => this.#pending.delete(writing));
  }

  async #write(cached: CachedEvent, event: EventsV1Event): Promise<void> {
    const result = await this.#writer.write(event);
    if (result.kind === 'recorded') cached.writtenCount = Math.max(cached.writtenCount, event.series?.count ?? 1);
    else this.#options.onDrop(result.kind);
  }

  async #refreshExistingEventSeries(): Promise<void> {
    for (const cached of this.#cache.values()) {
      if (cached.event.series !== undefined) await this.#refresh(cached);
    }
  }

  /** @returns whether there is no more to be done about this count */
  async #refresh(cached: CachedEvent): Promise<boolean> {
    const { event } = cached;
    const count = event.series?.count ?? 1;
    const attempt = await this.#writer.attempt(event);
    if (attempt.kind === 'recorded') {
      cached.writtenCount = count;
      // What was counted while the answer was on its way counts: the cache has the newer series.
      cached.event = { ...copyOf(attempt.answer), ...(event.series === undefined ? {} : { series: event.series }) };
    }
    return attempt.kind !== 'retry';
  }

  async #finishSeries(): Promise<void> {
    const { now } = this.#options;
    const isOver = (time: string) => Date.parse(time) < now() - finishTimeMs;
    for (const [key, cached] of this.#cache) {
      const { series, eventTime } = cached.event;
      if (!isOver(series?.lastObservedTime ?? eventTime)) continue;
      if (series === undefined || ((await this.#refresh(cached)) && isOver(series.lastObservedTime))) this.#cache.delete(key);
    }
  }

  /** Each period begins when the run before it is over. */
  #every(periodMs: number, run: () => Promise<void>): void {
    const { signal } = this.#cancellation;
    const stop = startTimer(periodMs, () => {
      signal.removeEventListener('abort', stop);
      void run().then(() => {
        if (!signal.aborted) this.#every(periodMs, run);
      });
    });
    signal.addEventListener('abort', stop, { once: true });
  }
}

function copyOf(event: EventsV1Event): EventsV1Event {
  return { ...event, metadata: { ...event.metadata }, ...(event.series === undefined ? {} : { series: { ...event.series } }) };
}
