// EventDelivery: takes recorded events to one sink. By default it is a WriteQueue; client-go/ has the two of client-go.
import type { Logger } from '../../logging/logger.ts';
import type { EventTally } from './event-counts.ts';
import type { EventNames } from './event-name.ts';
import type { AnyEvent, SinkOf } from './event-policy.ts';

export interface EventDelivery {
  /** Accepted events that are neither delivered nor dropped yet. */
  readonly pending: number;
  flush(): Promise<void>;
  /** Writes everything as soon as possible. Resolves when nothing is pending. If it is absent, `flush` does. */
  drain?(): Promise<void>;
  /** Stops, and counts what is pending as dropped. */
  abandon(): void;
}

/** What a delivery receives from its broadcaster. */
export interface DeliveryOptions<E extends AnyEvent, P> {
  readonly sink: SinkOf<E, P>;
  readonly logger: Logger;
  readonly counts: EventTally<E>;
  /** The delay before a retry, without its random part. */
  readonly sleepDurationMs: number;
  readonly random: () => number;
  readonly now: () => number;
  /** The largest number of concurrent writes. */
  readonly concurrency: number;
  /** The largest number of keys with something to write; beyond it events of other keys are dropped. */
  readonly maxQueuedEvents: number;
  readonly names: EventNames;
  readonly nameAnnotation: string | undefined;
}
