// ClientGoSeriesDelivery: client-go's own way to a sink, for `clientGoCompatible`: each event on its own, and its series in a cache without
//   bounds that all starts share. Before it: events-v1-broadcaster.ts. After it: client-go-series-writer.ts.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordToSink, refreshExistingEventSeries, finishSeries).
import { startTimer } from '../../time/timer.ts';
import type { EventCounts } from '../pipeline/event-counts.ts';
import type { EventDelivery } from '../pipeline/event-delivery.ts';
import { ClientGoSeriesWriter, type ClientGoSeriesWriterOptions, type CountedEvent } from './series-writer.ts';
import { microTime, seriesKey, type EventsV1Event } from '../events/event.ts';

export interface ClientGoSeriesDeliveryOptions extends Omit<ClientGoSeriesWriterOptions, 'signal'> {
  readonly now: () => number;
  readonly counts: EventCounts<EventsV1Event>;
  /** The series so far; all starts share them. */
  readonly cache: SeriesCache;
  /** Gives up when it aborts. */
  readonly signal: AbortSignal | undefined;
}

/** An event that did not happen for so long is over; the next one like it is a new one. */
const finishTimeMs = 6 * 60_000;
/** How often the count of a series that goes on is written. */
const refreshTimeMs = 30 * 60_000;

export type SeriesCache = Map<string, { event: CountedEvent }>;

export class ClientGoSeriesDelivery implements EventDelivery {
  readonly #options: ClientGoSeriesDeliveryOptions;
  readonly #writer: ClientGoSeriesWriter;
  readonly #cancellation = new AbortController();
  readonly #cache: SeriesCache;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: ClientGoSeriesDeliveryOptions) {
    const { cache, signal } = options;
    this.#options = options;
    this.#writer = new ClientGoSeriesWriter({ ...options, signal: this.#cancellation.signal });
    this.#cache = cache;
    if (signal?.aborted === true) this.abandon();
    signal?.addEventListener('abort', () => this.abandon(), { once: true });
    this.#every(refreshTimeMs, () => this.#refreshExistingEventSeries());
    this.#every(finishTimeMs, () => this.#finishSeries());
    // A start finds the series of the one before it.
    if (cache.size > 0) void this.#refreshExistingEventSeries().then(() => this.#finishSeries());
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Writes a first event, and the start of a series; further ones are only counted until the series is refreshed or finished. */
  accept(recorded: EventsV1Event): void {
    const key = seriesKey(recorded, true);
    const known = this.#cache.get(key);
    const lastObservedTime = microTime(this.#options.now());
    if (known?.event.series !== undefined) {
      known.event.series.count += 1;
      known.event.series.lastObservedTime = lastObservedTime;
      return;
    }
    const cached = known ?? { event: copyOf(recorded) };
    if (known === undefined) this.#cache.set(key, cached);
    else cached.event.series = { count: 2, lastObservedTime };
    this.#start(this.#write(copyOf(cached.event)));
  }

  async flush(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** The counts that the sink does not know yet are lost. */
  drain(): Promise<void> {
    return this.flush();
  }

  /** Gives up at once. An attempt that is under way goes on. */
  abandon(): void {
    this.#cancellation.abort();
  }

  #start(writing: Promise<void>): void {
    this.#pending.add(writing);
    void writing.then(() => this.#pending.delete(writing));
  }

  async #write(event: CountedEvent): Promise<void> {
    const { counts } = this.#options;
    const result = await this.#writer.write(event);
    if (result.kind === 'recorded') counts.delivered += 1;
    else counts.drop(result.kind, event);
  }

  async #refreshExistingEventSeries(): Promise<void> {
    for (const cached of this.#cache.values()) {
      if (cached.event.series !== undefined) await this.#refresh(cached);
    }
  }

  /** @returns whether there is no more to be done about this count */
  async #refresh(cached: { event: CountedEvent }): Promise<boolean> {
    const { event } = cached;
    const attempt = await this.#writer.attempt(event);
    if (attempt.kind === 'recorded' && attempt.answer !== event) {
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

function copyOf(event: EventsV1Event): CountedEvent {
  return { ...event, metadata: { ...event.metadata }, ...(event.series === undefined ? {} : { series: { ...event.series } }) };
}
