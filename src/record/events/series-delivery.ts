// SeriesDelivery: takes events to a sink, repetitions as series, and looks after the series. Before it: events-v1-broadcaster.ts, which hands
//   each event over as it is recorded. After it: ../keyed-delivery.ts. The periods are those of client-go v0.37.2
//   tools/events/event_broadcaster.go; client-go's own way is client-go-series-delivery.ts.
import type { EventDelivery } from '../pipeline/event-delivery.ts';
import { KeyedDelivery, type KeyedDeliveryOptions } from '../pipeline/keyed-delivery.ts';
import { startTimer } from '../../time/timer.ts';
import { eventsV1Shape, type EventsV1Event, type SeriesPatch } from './event.ts';
import { HeldSeries } from './held-series.ts';
import { SeriesCorrelator } from './series-correlator.ts';

type Keyed = KeyedDeliveryOptions<EventsV1Event, SeriesPatch>;

export interface SeriesDeliveryOptions extends Omit<Keyed, 'shape' | 'correlator' | 'heldWrites' | 'retryDelayMs'> {
  readonly sleepDurationMs: number;
  readonly random: () => number;
  readonly cacheSize: number;
  readonly distinguishesNotes: boolean;
}

/** An event that did not happen for so long is over; the next one like it is a new one. */
const finishTimeMs = 6 * 60_000;
/** How often the count of a series that goes on is written. */
const refreshTimeMs = 30 * 60_000;
/** The longest part of a sleep before the next attempt that is added at random. */
const jitter = 0.25;

export class SeriesDelivery implements EventDelivery {
  readonly #now: () => number;
  readonly #correlator: SeriesCorrelator;
  readonly #held: HeldSeries;
  readonly #keyed: KeyedDelivery<EventsV1Event, SeriesPatch>;
  /** Aborts when the series need no more looking after. */
  readonly #end = new AbortController();

  constructor(options: SeriesDeliveryOptions) {
    const { now, cacheSize, distinguishesNotes, nameAnnotation, sleepDurationMs, random } = options;
    const held = new HeldSeries();
    this.#now = now;
    this.#held = held;
    this.#correlator = new SeriesCorrelator({
      cacheSize,
      distinguishesNotes,
      nameAnnotation,
      onEnd: key => {
        held.release(key);
      },
    });
    this.#keyed = new KeyedDelivery({
      ...options,
      shape: eventsV1Shape,
      correlator: this.#correlator,
      heldWrites: callbacks => held.connect(callbacks),
      retryDelayMs: () => sleepDurationMs * (1 + random() * jitter),
    });
    this.#every(refreshTimeMs, () => {
      held.releaseAll();
    });
    this.#every(finishTimeMs, () => {
      this.#finishSeries();
    });
  }

  /** Recorded events whose count is not on the server yet, nor dropped. */
  get pending(): number {
    return this.#keyed.pending;
  }

  /** Writes a first event, and the start of a series; further ones are only counted until the series is refreshed or finished. */
  accept(event: EventsV1Event): void {
    this.#keyed.accept(event);
  }

  /** Writes also the counts that could wait. */
  flush(): Promise<void> {
    this.#held.releaseAll();
    return this.#keyed.flush();
  }

  drain(): Promise<void> {
    this.#end.abort();
    return this.#keyed.drain();
  }

  abandon(): void {
    this.#end.abort();
    this.#keyed.abandon();
  }

  #finishSeries(): void {
    this.#correlator.end(this.#now() - finishTimeMs);
    this.#held.releaseUnwritten();
  }

  #every(periodMs: number, run: () => void): void {
    const { signal } = this.#end;
    const stop = startTimer(periodMs, () => {
      signal.removeEventListener('abort', stop);
      run();
      this.#every(periodMs, run);
    });
    signal.addEventListener('abort', stop, { once: true });
  }
}
