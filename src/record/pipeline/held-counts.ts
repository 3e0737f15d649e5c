// HeldCounts: counts that may not be written yet. The spam filter holds them back, their series waits for its refresh, or too many attempts
//   to write them failed.
import { startTimer } from '../../time/timer.ts';
import type { DropCause } from './event-counts.ts';
import type { AnyEvent, EventPolicy } from './event-policy.ts';

export interface HeldCountsOptions<T> extends Pick<EventPolicy<AnyEvent, unknown>, 'maxHeld'> {
  /** When a count may be written, in milliseconds since 1970: 0 for now, Infinity for when it is released. */
  readonly dueAt: (count: T) => number;
  /** Called with each count that is due, once it is no longer held. */
  readonly onDue: (count: T) => void;
  /** Called with the count that was held longest, if there are too many. */
  readonly onDrop: (cause: DropCause, count: T) => void;
  readonly now: () => number;
}

/** The largest number of counts that were tried too often and wait for another attempt. */
const maxUnwritten = 4096;

export class HeldCounts<T> {
  readonly #options: HeldCountsOptions<T>;
  /** When each is due; longest held first. */
  readonly #dueAt = new Map<T, number>();
  /** Those that were tried too often. */
  readonly #unwritten = new Set<T>();
  /** When the timer fires. */
  #wakeAt = Infinity;
  #stopTimer = (): void => undefined;

  constructor(options: HeldCountsOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#dueAt.size;
  }

  has(count: T): boolean {
    return this.#dueAt.size > 0 && this.#dueAt.has(count);
  }

  /** Holds a count until it is due, which may be now. */
  hold(count: T): void {
    const dueAt = this.#options.dueAt(count);
    if (dueAt === 0) {
      this.release(count);
      return;
    }
    this.#dueAt.set(count, dueAt);
    if (this.#dueAt.size > this.#options.maxHeld) this.#dropOldest('spam', this.#dueAt.keys());
    if (dueAt < this.#wakeAt) this.#wakeUpAt(dueAt);
  }

  /** Holds a count that was tried too often. */
  holdUnwritten(count: T): void {
    this.hold(count);
    this.#unwritten.add(count);
    if (this.#unwritten.size > maxUnwritten) this.#dropOldest('retry_limit', this.#unwritten);
  }

  release(count: T): void {
    this.forget(count);
    this.#options.onDue(count);
  }

  releaseAll(): void {
    for (const count of this.#dueAt.keys()) this.release(count);
  }

  releaseUnwritten(): void {
    for (const count of this.#unwritten) this.release(count);
  }

  /** Holds a count no longer, without a call of `onDue`. */
  forget(count: T): void {
    this.#dueAt.delete(count);
    this.#unwritten.delete(count);
  }

  clear(): void {
    this.#stopTimer();
    this.#dueAt.clear();
    this.#unwritten.clear();
  }

  #wakeUpAt(dueAt: number): void {
    this.#stopTimer();
    this.#wakeAt = dueAt;
    if (dueAt === Infinity) return;
    this.#stopTimer = startTimer(Math.max(1, Math.ceil(dueAt - this.#options.now())), () => this.#releaseDue());
  }

  /** Longest held first: several counts may wait for one token. */
  #releaseDue(): void {
    const nowMs = this.#options.now();
    let nextMs = Infinity;
    for (const [count, wasDueAt] of this.#dueAt) {
      const dueAt = wasDueAt < nowMs + 1 ? this.#options.dueAt(count) : wasDueAt;
      this.#dueAt.set(count, dueAt);
      if (dueAt === 0) this.release(count);
      else nextMs = Math.min(nextMs, dueAt);
    }
    this.#wakeUpAt(nextMs);
  }

  #dropOldest(cause: DropCause, counts: Iterable<T>): void {
    for (const oldest of counts) {
      this.forget(oldest);
      this.#options.onDrop(cause, oldest);
      return;
    }
  }
}
