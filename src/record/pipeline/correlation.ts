// Correlator: counts events, and says of each what is to be written. Two there are: event-correlator.ts, and events/series-correlator.ts.
//   Before and after it: keyed-delivery.ts.

/** What is to be written of an event that was recorded. */
export interface Correlation<E> {
  /** With its count, and under the name that it has on the server. */
  readonly event: E;
  /** Its count can wait. */
  readonly skip: boolean;
  /** Events of one key are written in order. */
  readonly key: string;
  readonly isAggregate: boolean;
}

/** Remembers what has happened, and how often. */
export interface Correlator<E> {
  /** Whether an event can be taken on although no more keys may have something to write. */
  continues(event: E, isUnderWay: (key: string) => boolean): boolean;
  eventCorrelate(event: E): Correlation<E>;
  /** The server has it so. */
  updateState(answer: E, key: string): void;
}
