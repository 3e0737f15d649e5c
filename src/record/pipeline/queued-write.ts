// QueuedWrite: an event to be written, and how two of one key become one.
import type { AnyEvent } from './event-policy.ts';

export interface QueuedWrite<E> {
  readonly event: E;
  /** The event is not on the server yet. */
  readonly isCreate: boolean;
  /** The number of recorded events that it stands for. */
  readonly weight: number;
  /** Failed attempts. */
  readonly tries: number;
  /** The server may have the event: an attempt to create it had no answer, or another process may have created it. */
  readonly mayBeThere: boolean;
  /** Its first name was taken by another event. */
  readonly isRenamed: boolean;
  /** Called once it is delivered or dropped. */
  waiters: readonly (() => void)[] | undefined;
}

/** One write for two: the newer event, under the name and with the history of the older. */
export function merged<E extends AnyEvent>(older: QueuedWrite<E>, newer: QueuedWrite<E>): QueuedWrite<E> {
  const { event } = older.isRenamed ? renamed(newer, older.event.metadata.name) : newer;
  const waiters = newer.waiters === undefined ? older.waiters : [...(older.waiters ?? []), ...newer.waiters];
  return { ...older, event, weight: older.weight + newer.weight, waiters };
}

export function renamed<E extends AnyEvent>(write: QueuedWrite<E>, name: string): QueuedWrite<E> {
  const { event } = write;
  return { ...write, event: { ...event, metadata: { ...event.metadata, name } } };
}
