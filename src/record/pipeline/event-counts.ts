// EventCounts: what became of the events that were recorded. Written by recorded-events.ts and the deliveries; for metrics and people.
import { Subject, type Observable } from 'rxjs';
import type { Logger } from '../../logging/logger.ts';
import type { CoreV1Event } from '../core/core-event.ts';

/**
 * `queue_full`: too many events waited. `spam`: the spam filter refused, and the count was never written. `no_sink`: nothing wrote
 * events. `rejected`: the server will not have it. `retry_limit`: tried too often. `shutdown`: the time to shut down was over.
 */
export type DropCause = 'queue_full' | 'spam' | 'no_sink' | 'rejected' | 'retry_limit' | 'shutdown';

/** Recorded events that are lost, as they are. */
export interface EventDrop<E = CoreV1Event> {
  readonly cause: DropCause;
  /** The last of the events that are lost. */
  readonly event: E;
  /** How many recorded events it stands for. */
  readonly count: number;
}

/** How many recorded events are lost, by cause. */
export type DropCounts = Readonly<Record<DropCause, number>>;

/** The dropped events are told in the log at most this often. */
const logIntervalMs = 60_000;

/** Of the events of one broadcaster; core/v1 events unless told. */
export class EventCounts<E = CoreV1Event> {
  /** Events that recorders were given, and could make something of. */
  recorded = 0;
  /** Recorded events that are on the server: their count is in an event there. With several sinks, each counts. */
  delivered = 0;
  /** Writes that the server accepted. */
  written = 0;
  /** Events that became part of an aggregate. */
  aggregated = 0;
  /** Events that were held back, for good or for a while: by the spam filter, or until the count of their series is written. */
  filtered = 0;
  /** Recorded events that are lost, by cause. With several sinks, each counts. */
  readonly dropped: DropCounts;
  /** Each loss, as it happens. */
  readonly drops: Observable<EventDrop<E>>;
  readonly #dropped: Record<DropCause, number> = { queue_full: 0, spam: 0, no_sink: 0, rejected: 0, retry_limit: 0, shutdown: 0 };
  readonly #drops = new Subject<EventDrop<E>>();
  readonly #logger: Logger;
  readonly #now: () => number;
  #lastLogMs = -Infinity;

  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
    this.dropped = this.#dropped;
    this.drops = this.#drops.asObservable();
  }

  /** For the broadcaster: counts a loss of `count` recorded events, and tells it. */
  drop(cause: DropCause, event: E, count = 1): void {
    this.#dropped[cause] += count;
    if (this.#drops.observed) this.#drops.next({ cause, event, count });
    const nowMs = this.#now();
    if (Math.abs(nowMs - this.#lastLogMs) < logIntervalMs) return;
    this.#lastLogMs = nowMs;
    this.#logger.warn('Events were dropped', { cause, dropped: { ...this.#dropped } });
  }
}
