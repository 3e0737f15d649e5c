// EventDelivery: what takes recorded events to one sink. Before it: event-broadcaster.ts. Two ways: keyed-delivery.ts, and client-go's
//   in client-go-delivery.ts.
import type { Logger } from '../../logging/logger.ts';
import type { EventCorrelator } from '../core/event-correlator.ts';
import type { EventCounts } from './event-counts.ts';
import type { EventSink } from '../core/core-v1-sink.ts';

export interface EventDeliveryOptions {
  readonly sink: EventSink;
  readonly correlator: EventCorrelator;
  readonly logger: Logger;
  readonly counts: EventCounts;
  readonly sleepDurationMs: number;
  readonly random: () => number;
}

export interface EventDelivery {
  /** How many recorded events it has taken on that are neither delivered nor dropped yet. */
  readonly pending: number;
  /** Resolves when all that it has now has been delivered or dropped; what the spam filter holds back is not waited for. */
  flush(): Promise<void>;
  /** Writes everything as soon as possible; resolves when nothing is pending. */
  drain(): Promise<void>;
  /** Gives up at once, and counts what is pending as dropped. */
  abandon(): void;
}
