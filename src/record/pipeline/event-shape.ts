// EventShape: what the way to a sink needs to know of an event, whichever API it is of: core/v1 (core-event.ts) or events.k8s.io/v1
//   (events/events-v1-event.ts). Used by keyed-delivery.ts and event-writer.ts.
import type { ObjectReference } from '../core/core-event.ts';

/** An event of either API. */
export interface AnyEvent {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Where events of one API are written. What it throws decides what happens next: see sink-error.ts. Each answer is the event as it is stored now. */
export interface SinkOf<E extends AnyEvent, P> {
  /** Rejects with a 409 `AlreadyExists` if there is one of that name. */
  create(event: E, signal?: AbortSignal): Promise<E>;
  /** `event` says which one, and what it would be. */
  patch(event: E, patch: P, signal?: AbortSignal): Promise<E>;
}

export interface EventShape<E extends AnyEvent, P> {
  /** How often it has happened. */
  countOf(event: E): number;
  /** What a repetition is written as. */
  patchOf(event: E): P;
  /** Whether a sink's answer has what is to be remembered of it: one in plain JavaScript may answer anything. */
  isAnswer(answer: unknown): answer is E;
  /** The object that it is about. */
  objectOf(event: E): ObjectReference;
}
