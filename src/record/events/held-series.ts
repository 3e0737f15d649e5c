// HeldSeries: counts of series that are not written yet. Before and after it: ../keyed-delivery.ts. When they are written: series-delivery.ts.
import { merged, type EventWrite } from '../event-write.ts';
import type { HeldWrites, HeldWritesCallbacks } from '../held-writes.ts';
import type { EventsV1Event } from './events-v1-event.ts';

type SeriesWrite = EventWrite<EventsV1Event>;

/** Beyond that the count that could not be written for longest is dropped. */
const maxUnwritten = 4096;
/** API servers forget an event after that time; so does who could not write it. */
const maxUnwrittenMs = 3_600_000;

export class HeldSeries implements HeldWrites<EventsV1Event> {
  readonly #now: () => number;
  #callbacks: HeldWritesCallbacks<EventsV1Event> | undefined;
  readonly #held = new Map<string, SeriesWrite>();
  /** Those of #held that were tried too often, and since when; the longest first. */
  readonly #unwritten = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

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
    return write;
  }

  /** As client-go, which tries the count of a series again each time that it looks after its series. A first event is given up. */
  holdUnwritten(key: string, write: SeriesWrite): boolean {
    const nowMs = this.#now();
    const sinceMs = this.#unwritten.get(key) ?? nowMs;
    if (write.event.series === undefined || nowMs - sinceMs > maxUnwrittenMs) {
      this.#unwritten.delete(key);
      return false;
    }
    this.#unwritten.set(key, sinceMs);
    this.hold(key, write);
    if (this.#unwritten.size > maxUnwritten) this.#dropOldestUnwritten();
    return true;
  }

  release(key: string): void {
    const write = this.take(key);
    if (write !== undefined) this.#callbacks?.release(key, write);
  }

  releaseUnwritten(): void {
    for (const key of [...this.#unwritten.keys()]) {
      // Written in the meantime, with a newer count.
      if (!this.#held.has(key)) this.#unwritten.delete(key);
      this.release(key);
    }
  }

  releaseAll(): void {
    for (const key of [...this.#held.keys()]) this.release(key);
  }

  #dropOldestUnwritten(): void {
    for (const key of this.#unwritten.keys()) {
      this.#unwritten.delete(key);
      const write = this.take(key);
      if (write !== undefined) this.#callbacks?.drop('retry_limit', write);
      return;
    }
  }
}
