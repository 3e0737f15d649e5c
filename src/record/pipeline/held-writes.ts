// HeldWrites: counts that can wait. Before and after it: keyed-delivery.ts. Held back by the spam filter: held-events.ts; or until their
//   series is written: events/held-series.ts.
import type { DropCause } from './event-counts.ts';
import type { AnyEvent } from './event-shape.ts';
import type { EventWrite } from './event-write.ts';

export interface HeldWritesCallbacks<E extends AnyEvent> {
  /** To be written now. It is held no longer. */
  readonly release: (key: string, write: EventWrite<E>) => void;
  readonly drop: (cause: DropCause, write: EventWrite<E>) => void;
}

export interface HeldWrites<E extends AnyEvent> {
  /** Together with what is held of the key already. */
  hold(key: string, write: EventWrite<E>): void;
  /** Removes what is held of a key. */
  take(key: string): EventWrite<E> | undefined;
  releaseAll(): void;
  /** Where there is such a thing: may keep what was tried too often. @returns whether it does */
  holdUnwritten?(key: string, write: EventWrite<E>): boolean;
}
