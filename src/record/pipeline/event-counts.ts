// EventTally: counts what becomes of recorded events.
import { Subject, type Observable } from 'rxjs';
import type { Logger } from '../../logging/logger.ts';

/**
 * `invalid`: the object cannot be referred to, or type or reason are wrong. `queue_full`: too many events waited. `spam`: held back by the
 * spam filter, and never written. `no_sink`: no sink was started. `rejected`: refused by the server. `retry_limit`: tried too often.
 * `shutdown`: the time of the shutdown was over.
 */
export type DropCause = 'invalid' | 'queue_full' | 'spam' | 'no_sink' | 'rejected' | 'retry_limit' | 'shutdown';

/** Recorded events that are lost. */
export interface EventDrop<E> {
  readonly cause: DropCause;
  /** The last of the events that are lost. If it is invalid, its reference may be empty. */
  readonly event: E;
  /** The number of recorded events that it stands for. */
  readonly count: number;
}

/** Lost events by cause. */
export type DropCounts = Readonly<Record<DropCause, number>>;

/** What became of the events of one broadcaster so far. Reading it gives the numbers of that moment; `{ ...counts }` keeps them. */
export interface EventCounts {
  /** Events that recorders were given. */
  readonly recorded: number;
  /** Recorded events whose count is on the server. Each sink counts. */
  readonly delivered: number;
  /** Writes that the server accepted. */
  readonly written: number;
  /** Events that became part of an aggregate. */
  readonly aggregated: number;
  /** Events that were held back: by the spam filter, or until the count of their series was written. */
  readonly filtered: number;
  /** Lost events by cause. Each sink counts. */
  readonly dropped: DropCounts;
}

const noDrops: DropCounts = { invalid: 0, queue_full: 0, spam: 0, no_sink: 0, rejected: 0, retry_limit: 0, shutdown: 0 };
/** Drops are logged at most once in this time. */
const logIntervalMs = 60_000;

export class EventTally<E> {
  recorded = 0;
  delivered = 0;
  written = 0;
  aggregated = 0;
  filtered = 0;
  /** Each loss, when it happens. */
  readonly drops: Observable<EventDrop<E>>;
  readonly #dropped: Record<DropCause, number> = { ...noDrops };
  readonly #drops = new Subject<EventDrop<E>>();
  readonly #logger: Logger | undefined;
  readonly #now: () => number;
  #lastLogMs = -Infinity;

  constructor(logger: Logger | undefined, now: () => number) {
    this.#logger = logger;
    this.#now = now;
    this.drops = this.#drops.asObservable();
  }

  get dropped(): DropCounts {
    return { ...this.#dropped };
  }

  /** A read-only view. Its properties are enumerable, so that a spread copies them. */
  view(): EventCounts {
    const view = {};
    for (const field of ['recorded', 'delivered', 'written', 'aggregated', 'filtered', 'dropped'] as const)
      Object.defineProperty(view, field, { enumerable: true, get: () => this[field] });
    return view as EventCounts;
  }

  /** Counts and reports the loss of `count` recorded events. */
  drop(cause: DropCause, event: E, count = 1): void {
    this.#dropped[cause] += count;
    if (this.#drops.observed) this.#drops.next({ cause, event, count });
    // Recorders log each invalid event.
    if (cause === 'invalid') return;
    const nowMs = this.#now();
    if (Math.abs(nowMs - this.#lastLogMs) < logIntervalMs) return;
    this.#lastLogMs = nowMs;
    this.#logger?.warn('Events were dropped', { cause, dropped: this.dropped });
  }
}
