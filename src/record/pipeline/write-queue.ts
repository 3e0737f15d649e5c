// WriteQueue: writes events to a sink, several at a time, those of one key in order. A count is held while the spam filter, its series or a
//   sleeping retry does not let it be written. In client-go, one event that cannot be written delays all others.
import { Fifo } from '../../collections/fifo.ts';
import { startTimer } from '../../time/timer.ts';
import type { DeliveryOptions, EventDelivery } from './delivery.ts';
import type { DropCause } from './event-counts.ts';
import { givenName } from './event-name.ts';
import type { AnyEvent, EventPolicy } from './event-policy.ts';
import { EventWriter, writtenFields, type WriteOutcome } from './event-writer.ts';
import { HeldCounts } from './held-counts.ts';
import { decide, merged, renamed, type QueuedWrite } from './queued-write.ts';

export interface WriteQueueOptions<E extends AnyEvent, P> extends DeliveryOptions<E, P> {
  readonly policy: EventPolicy<E, P>;
}

/** The writes of one key. Events recorded while one is being written or waits become one write: counts add up. */
interface Entry<E> {
  readonly key: string;
  writing: QueuedWrite<E> | undefined;
  pending: QueuedWrite<E> | undefined;
  /** Set while a retry sleeps. Its timer does not depend on the clock, which may be set. */
  stopSleep: (() => void) | undefined;
}

/** The longest sleep before a retry while the queue drains: a shutdown has no ten seconds. */
const drainSleepMs = 250;
const settled = Promise.resolve();

export class WriteQueue<E extends AnyEvent, P> implements EventDelivery {
  readonly #options: WriteQueueOptions<E, P>;
  readonly #policy: EventPolicy<E, P>;
  readonly #writer: EventWriter<E, P>;
  /** An entry is there while it has something to write. */
  readonly #entries = new Map<string, Entry<E>>();
  /** Entries whose `pending` is due. */
  readonly #ready = new Fifo<Entry<E>>();
  /** Entries whose `pending` is held. */
  readonly held: HeldCounts<Entry<E>>;
  readonly #cancellation = new AbortController();
  readonly #ending = new AbortController();
  readonly #isQueued = (key: string): boolean => {
    const entry = this.#entries.get(key);
    return entry !== undefined && (entry.writing !== undefined || !this.held.has(entry));
  };
  #active = 0;
  #pending = 0;
  #isPumpScheduled = false;

  readonly #newName = (event: E): string => {
    const { names, now } = this.#options;
    return names.next(this.#policy.shape.objectOf(event).name ?? '', now());
  };

  constructor(options: WriteQueueOptions<E, P>) {
    this.#options = options;
    this.#policy = options.policy;
    this.#writer = new EventWriter({ ...options, shape: options.policy.shape });
    this.held = new HeldCounts({
      dueAt: ({ pending }) => (pending === undefined ? 0 : this.#policy.dueAt(pending.event)),
      onDue: entry => {
        if (entry.writing === undefined) this.#makeReady(entry);
      },
      onDrop: (cause, entry) => this.#dropHeld(cause, entry),
      maxHeld: options.policy.maxHeld,
      now: options.now,
    });
  }

  get pending(): number {
    return this.#pending;
  }

  /** Aborts when the queue drains or is abandoned. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Queues an event. Writes nothing before the caller has returned, so that events recorded together are written together. */
  accept(event: E): void {
    const { counts, logger, maxQueuedEvents, nameAnnotation } = this.#options;
    if (this.#cancellation.signal.aborted) {
      counts.drop('shutdown', event);
      return;
    }
    try {
      const isFull = this.#entries.size - this.held.size >= maxQueuedEvents;
      if (isFull && !this.#policy.continues(event, this.#isQueued)) {
        counts.drop('queue_full', event);
        return;
      }
      const { event: counted, skip, key, isAggregate, ended } = this.#policy.correlate(event);
      this.#pending += 1;
      if (isAggregate) counts.aggregated += 1;
      if (skip) counts.filtered += 1;
      const isCreate = this.#policy.shape.countOf(counted) <= 1;
      const mayBeThere = givenName(counted.metadata.annotations, nameAnnotation) === counted.metadata.name;
      const write = { event: counted, isCreate, weight: 1, tries: 0, mayBeThere, isRenamed: false, waiters: undefined };
      if (ended !== undefined) this.release(ended);
      this.#add(key, write, skip && !this.ending.aborted);
    } catch (error) {
      logger.error('Event correlation failed', { error });
      counts.drop('rejected', event);
    }
  }

  /** Resolves when everything that is due now, or sleeps before a retry, has been delivered or dropped. */
  async flush(): Promise<void> {
    if (this.#policy.flushesHeld) this.held.releaseAll();
    const writes = [...this.#entries.values()].flatMap(entry =>
      this.held.has(entry) ? (entry.writing ?? []) : (entry.pending ?? entry.writing ?? []),
    );
    await Promise.all(writes.map(write => new Promise<void>(resolve => (write.waiters = [...(write.waiters ?? []), resolve]))));
  }

  /** Makes everything due, also what is recorded from now on. Resolves when nothing is pending. */
  async drain(): Promise<void> {
    this.#ending.abort();
    this.held.releaseAll();
    for (const entry of this.#entries.values()) if (entry.stopSleep !== undefined) this.#wake(entry);
    while (this.#pending > 0) await this.flush();
  }

  /** Drops everything that is pending. */
  abandon(): void {
    this.#ending.abort();
    this.#cancellation.abort();
    this.held.clear();
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { stopSleep, writing, pending } of entries) {
      stopSleep?.();
      for (const write of [writing, pending]) if (write !== undefined) this.#drop('shutdown', write);
    }
  }

  /** Makes the held count of a key due. */
  release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.held.has(entry)) this.held.release(entry);
  }

  /** A count that waits takes the new one along. One that is held becomes due with an event that is not. */
  #add(key: string, write: QueuedWrite<E>, isHeld: boolean): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const added = { key, writing: undefined, pending: write, stopSleep: undefined };
      this.#entries.set(key, added);
      if (isHeld) this.held.hold(added);
      else this.#makeReady(added);
    } else if (entry.pending === undefined) {
      entry.pending = write;
      if (isHeld) this.held.hold(entry);
    } else {
      entry.pending = merged(entry.pending, write);
      if (!isHeld && this.held.has(entry)) this.held.release(entry);
    }
  }

  #dropHeld(cause: DropCause, entry: Entry<E>): void {
    const { pending } = entry;
    entry.pending = undefined;
    if (entry.writing === undefined) this.#entries.delete(entry.key);
    if (pending !== undefined) this.#drop(cause, pending);
  }

  #makeReady(entry: Entry<E>): void {
    this.#ready.push(entry);
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    void settled.then(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpScheduled = false;
    while (this.#active < this.#options.concurrency && !this.#cancellation.signal.aborted) {
      const entry = this.#ready.shift();
      if (entry?.pending === undefined) break;
      this.#active += 1;
      const write = entry.pending;
      entry.pending = undefined;
      entry.writing = write;
      // #write never rejects: EventWriter.write does not.
      void this.#write(entry, write);
    }
  }

  async #write(entry: Entry<E>, write: QueuedWrite<E>): Promise<void> {
    const { event, isCreate } = write;
    const isUpdate = !isCreate && this.#policy.shape.countOf(event) > 1;
    const outcome = await this.#writer.write(event, isUpdate, this.#cancellation.signal, write.tries);
    this.#active -= 1;
    if (this.#cancellation.signal.aborted) return;
    entry.writing = undefined;
    this.#settle(entry, write, outcome);
    if (entry.pending === undefined) this.#entries.delete(entry.key);
    else if (entry.stopSleep === undefined && !this.held.has(entry)) this.#makeReady(entry);
    if (this.#ready.size > 0) this.#pump();
  }

  #settle(entry: Entry<E>, write: QueuedWrite<E>, outcome: WriteOutcome<E>): void {
    if (outcome.kind === 'recorded') {
      this.#policy.updateState(outcome.answer, entry.key);
      // Events that were recorded before the server had this one carry its first name.
      if (write.isRenamed && entry.pending !== undefined) entry.pending = renamed(entry.pending, write.event.metadata.name);
    }
    const decision = decide(write, outcome, { policy: this.#policy, newName: this.#newName });
    switch (decision.kind) {
      case 'deliver':
        this.#options.counts.delivered += write.weight;
        this.#finish(write);
        break;
      case 'drop':
        this.#drop(decision.cause, write);
        break;
      case 'requeue':
        this.#requeue(entry, decision.write, decision.afterMs);
        break;
      case 'giveUp':
        this.#giveUp(entry, decision.write);
        break;
    }
  }

  /** Drops a write that was tried too often, or holds it together with newer counts: an older count must not follow a newer one. */
  #giveUp(entry: Entry<E>, write: QueuedWrite<E>): void {
    const all = entry.pending === undefined ? write : merged(write, entry.pending);
    if (this.ending.aborted || !this.#policy.keepsUnwritten(all.event, all.tries)) {
      this.#options.logger.error('Unable to write event (retry limit exceeded!)', writtenFields(this.#policy.shape, write.event));
      this.#drop('retry_limit', write);
      return;
    }
    entry.pending = all;
    this.held.holdUnwritten(entry);
  }

  /** Writes it again, together with what was recorded in the meantime. */
  #requeue(entry: Entry<E>, write: QueuedWrite<E>, afterMs: number | undefined): void {
    entry.pending = entry.pending === undefined ? write : merged(write, entry.pending);
    this.held.forget(entry);
    if (afterMs === undefined) return;
    entry.stopSleep = startTimer(this.ending.aborted ? Math.min(afterMs, drainSleepMs) : afterMs, () => this.#wake(entry));
  }

  #wake(entry: Entry<E>): void {
    entry.stopSleep?.();
    entry.stopSleep = undefined;
    this.#makeReady(entry);
  }

  #drop(cause: DropCause, write: QueuedWrite<E>): void {
    this.#options.counts.drop(cause, write.event, write.weight);
    this.#finish(write);
  }

  #finish(write: QueuedWrite<E>): void {
    this.#pending -= write.weight;
    if (write.waiters !== undefined) for (const waiter of write.waiters) waiter();
  }
}
