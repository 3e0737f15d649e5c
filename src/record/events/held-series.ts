// HeldSeries: counts of series that are not written yet. Before and after it: ../keyed-delivery.ts. When they are written: series-delivery.ts.
import { merged, type EventWrite } from '../pipeline/event-write.ts';
import { maxTriesPerEvent } from '../pipeline/event-writer.ts';
import type { HeldWrites, HeldWritesCallbacks } from '../pipeline/held-writes.ts';
import type { EventsV1Event } from './event.ts';

type SeriesWrite = EventWrite<EventsV1Event>;

/** Beyond that the count that could not be written for longest is dropped. */
const maxUnwritten = 4096;
/** Attempts after those of a single event, one each six minutes: for an hour, after which API servers forget an event. */
const maxFurtherTries = 10;

export class HeldSeries implements HeldWrites<EventsV1Event> {
  #callbacks: HeldWritesCallbacks<EventsV1Event> | undefined;
  readonly #held = new Map<string, SeriesWrite>();
  /** Those of #held that were tried too often; the longest held first. */
  readonly #unwritten = new Set<string>();

  /** Says what is done with what is held no longer. */
  connect(callbacks: HeldWritesCallbacks<EventsV1Event>): this {
    this.#callbacks = callbacks;
    return this;
  }

  hold(key: string, write: SeriesWrite): void {
    this.#held.set(key, merged(this.#held.get(key), write));
  }

  take(key: string): SeriesWrite | undefined {
    const write = this.#held.get(key);
    this.#held.delete(key);
    this.#unwritten.delete(key);
    return write;
  }

  /** As client-go, which tries the count of a series again each time that it looks after its series. A first event is given up. */
  holdUnwritten(key: string, write: SeriesWrite): boolean {
    if (write.event.series === undefined || write.tries > maxTriesPerEvent + maxFurtherTries) return false;
    this.hold(key, write);
    this.#unwritten.add(key);
    if (this.#unwritten.size > maxUnwritten) this.#dropOldestUnwritten();
    return true;
  }

  release(key: string): void {
    const write = this.take(key);
    if (write !== undefined) this.#callbacks?.release(key, write);
  }

  releaseUnwritten(): void {
    for (const key of [...this.#unwritten]) this.release(key);
  }

  releaseAll(): void {
    for (const key of [...this.#held.keys()]) this.release(key);
  }

  #dropOldestUnwritten(): void {
    for (const key of this.#unwritten) {
      const write = this.take(key);
      if (write !== undefined) this.#callbacks?.drop('retry_limit', write);
      return;
    }
  }
}
