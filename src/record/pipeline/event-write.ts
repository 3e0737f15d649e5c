// EventWrite: an event on its way to the server, with what is known of its attempts. Used by keyed-delivery.ts, held-events.ts and events/held-series.ts.
import type { AnyEvent } from './event-shape.ts';

export interface EventWrite<E extends AnyEvent> {
  readonly event: E;
  /** The event is not on the server yet. */
  readonly isCreate: boolean;
  /** How many recorded events it stands for. */
  readonly weight: number;
  /** Attempts that failed. */
  readonly tries: number;
  /** An attempt to create it had no answer, or another process may have told it: the server may have it. */
  readonly mayBeThere: boolean;
  /** Its first name was another event's. */
  readonly isRenamed: boolean;
  /** Called when it is delivered or dropped. */
  waiters: (() => void)[] | undefined;
}

export function newWrite<E extends AnyEvent>(event: E, isCreate: boolean, mayBeThere = false): EventWrite<E> {
  return { event, isCreate, weight: 1, tries: 0, mayBeThere, isRenamed: false, waiters: undefined };
}

/** One write for two: the state of the newer event, under the name and with the history of the older. */
export function merged<E extends AnyEvent>(older: EventWrite<E> | undefined, newer: EventWrite<E>): EventWrite<E> {
  if (older === undefined) return newer;
  const { event } = older.isRenamed ? renamed(newer, older.event.metadata.name) : newer;
  return { ...older, event, weight: older.weight + newer.weight, waiters: bothOf(older.waiters, newer.waiters) };
}

export function renamed<E extends AnyEvent>(write: EventWrite<E>, name: string): EventWrite<E> {
  const { event } = write;
  return { ...write, event: { ...event, metadata: { ...event.metadata, name } } };
}

function bothOf(one: (() => void)[] | undefined, other: (() => void)[] | undefined): (() => void)[] | undefined {
  return one === undefined || other === undefined ? (one ?? other) : [...one, ...other];
}
