// QueuedWrite: an event to be written, how two of one key become one, and what follows an attempt, as pure functions.
import type { DropCause } from './event-counts.ts';
import type { AnyEvent, EventPolicy, EventShape } from './event-policy.ts';
import { maxTriesPerEvent, type RetryOutcome, type WriteOutcome } from './event-writer.ts';

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

export type WriteDecision<E> =
  | { readonly kind: 'deliver' }
  | { readonly kind: 'drop'; readonly cause: DropCause }
  | { readonly kind: 'requeue'; readonly write: QueuedWrite<E>; readonly afterMs?: number }
  /** Tried too often. */
  | { readonly kind: 'giveUp'; readonly write: QueuedWrite<E> };

export interface DecisionContext<E extends AnyEvent, P> {
  readonly policy: { readonly shape: Pick<EventShape<E, P>, 'countOf'> } & Pick<EventPolicy<E, P>, 'retryDelayMs'>;
  /** Makes another name for the event. */
  readonly newName: (event: E) => string;
}

export function decide<E extends AnyEvent, P>(
  write: QueuedWrite<E>,
  outcome: WriteOutcome<E>,
  context: DecisionContext<E, P>,
): WriteDecision<E> {
  switch (outcome.kind) {
    case 'recorded':
      return { kind: 'deliver' };
    case 'rejected':
      return { kind: 'drop', cause: 'rejected' };
    case 'exists':
      return afterExists(write, context);
    case 'retry':
      return afterFailure(write, outcome, context);
  }
}

/** Differs from client-go, which drops the event. Either an attempt without an answer created it, or its name is another event's. */
function afterExists<E extends AnyEvent, P>(write: QueuedWrite<E>, context: DecisionContext<E, P>): WriteDecision<E> {
  const { event, mayBeThere, isCreate, isRenamed } = write;
  if (mayBeThere && context.policy.shape.countOf(event) <= 1) return { kind: 'deliver' };
  if (mayBeThere) return { kind: 'requeue', write: { ...write, isCreate: false, mayBeThere: false } };
  // A patch did not find it, and a create does: as client-go does with series, it is patched again later.
  if (!isCreate) return afterFailure(write, { kind: 'retry', mayBeDone: false }, context);
  if (isRenamed) return { kind: 'drop', cause: 'rejected' };
  return { kind: 'requeue', write: { ...renamed(write, context.newName(event)), isRenamed: true } };
}

function afterFailure<E extends AnyEvent, P>(
  write: QueuedWrite<E>,
  { retryAfterMs, isLastTry, mayBeDone }: RetryOutcome,
  { policy }: DecisionContext<E, P>,
): WriteDecision<E> {
  const tries = write.tries + 1;
  if (isLastTry === true && tries > 1) return { kind: 'drop', cause: 'rejected' };
  if (tries >= maxTriesPerEvent) return { kind: 'giveUp', write: { ...write, tries } };
  const mayBeThere = write.mayBeThere || (write.isCreate && mayBeDone);
  return { kind: 'requeue', write: { ...write, tries, mayBeThere }, afterMs: retryAfterMs ?? policy.retryDelayMs(tries) };
}
