// EventPolicy: what a WriteQueue needs to know about the events of one API. Two implementations: core/event-broadcaster.ts for core/v1,
//   events/series.ts for events.k8s.io/v1.
import type { ObjectReference } from './reference.ts';

/** The annotations of an event. */
export type Annotations = Readonly<Record<string, string>>;

/** The metadata of an event. */
export interface EventMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly annotations?: Annotations;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An event of either API. */
export interface AnyEvent {
  readonly metadata: EventMetadata;
  readonly type: string;
  readonly reason: string;
}

/**
 * Writes the events of one API. Each promise resolves with the event as it is stored; what it rejects with decides whether the write is
 * retried (see event-writer.ts).
 */
export interface SinkOf<E extends AnyEvent, P> {
  /** Rejects with a 409 `AlreadyExists` if there is an event of that name. */
  create(event: E, signal?: AbortSignal): Promise<E>;
  /** Patches the event named like `event`, which is the event as it will be. */
  patch(event: E, patch: P, signal?: AbortSignal): Promise<E>;
}

export interface EventShape<E extends AnyEvent, P> {
  /** The number of occurrences that the event stands for. */
  readonly countOf: (event: E) => number;
  /** The patch that writes a repetition. */
  readonly patchOf: (event: E) => P;
  /** Whether a sink's answer has the fields that are remembered: a sink in plain JavaScript may answer anything. */
  readonly isAnswer: (answer: unknown) => answer is E;
  /** The object that the event is about. */
  readonly objectOf: (event: E) => ObjectReference;
}

/** How a recorded event is to be written. */
export interface Correlation<E> {
  /** With its count, and under the name that it has on the server. */
  readonly event: E;
  /** Its count is held until the policy's `dueAt`. */
  readonly skip: boolean;
  /** Writes of one key are in order. */
  readonly key: string;
  readonly isAggregate: boolean;
  /** The key of a series that this event ended: its held count is written. */
  readonly ended?: string | undefined;
}

export interface EventPolicy<E extends AnyEvent, P> {
  readonly shape: EventShape<E, P>;
  /** Whether an event is accepted although too many keys are queued. */
  continues(event: E, isQueued: (key: string) => boolean): boolean;
  correlate(event: E): Correlation<E>;
  /** Remembers what the server stored. */
  updateState(answer: E, key: string): void;
  /** When a held count may be written, in milliseconds since 1970: 0 for now, Infinity for when it is released. */
  dueAt(event: E): number;
  /** The delay after attempt number `tries` failed. */
  retryDelayMs(tries: number): number;
  /** Whether a count is held for a later attempt although it was tried too often. */
  keepsUnwritten(event: E, tries: number): boolean;
  /** The largest number of held counts; beyond it the one held longest is dropped. */
  readonly maxHeld: number;
  /** Whether a flush writes held counts too. */
  readonly flushesHeld: boolean;
}
