// KeyedDelivery: takes events to a sink, several at a time but those of one key in order. Before it: event-broadcaster.ts, which hands
//   each event over as it is recorded. After it: event-writer.ts.
//   Differs from client-go, where one event that cannot be written holds up all others (client-go-delivery.ts).
import { Fifo } from '../../collections/fifo.ts';
import type { Correlator } from './correlation.ts';
import type { EventDelivery } from './event-delivery.ts';
import type { DropCause, EventCounts } from './event-counts.ts';
import { givenName, type EventNames } from './event-name.ts';
import type { AnyEvent } from './event-shape.ts';
import { EventWriter, maxTriesPerEvent, type EventWriterOptions, type RetryOutcome, type WriteOutcome } from './event-writer.ts';
import { merged, newWrite, renamed, type EventWrite } from './event-write.ts';
import type { HeldWrites, HeldWritesCallbacks } from './held-writes.ts';
import { startTimer } from '../../time/timer.ts';

export interface KeyedDeliveryOptions<E extends AnyEvent, P> extends EventWriterOptions<E, P> {
  readonly counts: EventCounts<E>;
  readonly correlator: Correlator<E>;
  /** Makes what keeps the counts that can wait. */
  readonly heldWrites: (callbacks: HeldWritesCallbacks<E>) => HeldWrites<E>;
  /** How long to sleep after attempt number `tries` failed. */
  readonly retryDelayMs: (tries: number) => number;
  /** How many writes are under way at most. */
  readonly concurrency: number;
  /** How many keys have something to write at most; beyond that new ones are dropped. */
  readonly maxQueuedEvents: number;
  readonly names: EventNames;
  /** Annotation of the events that go by a name of the recording code's choice: one of that name has been told. */
  readonly nameAnnotation?: string | undefined;
  readonly now: () => number;
}

/** The writes of one key. What is recorded while one is under way or waits becomes one write: counts add up. */
interface Lane<E extends AnyEvent> {
  readonly key: string;
  writing: EventWrite<E> | undefined;
  waiting: EventWrite<E> | undefined;
  /** There while it sleeps before it tries again. */
  wake: (() => void) | undefined;
}

/** While the broadcaster shuts down nobody has ten seconds to sleep. */
const drainSleepMs = 250;
const settled = Promise.resolve();

export class KeyedDelivery<E extends AnyEvent, P> implements EventDelivery {
  readonly #options: KeyedDeliveryOptions<E, P>;
  readonly #writer: EventWriter<E, P>;
  readonly #held: HeldWrites<E>;
  /** A lane is there while it has something to write. */
  readonly #lanes = new Map<string, Lane<E>>();
  readonly #isUnderWay = (key: string): boolean => this.#lanes.has(key);
  /** Lanes whose `waiting` may be written now. */
  readonly #ready = new Fifo<Lane<E>>();
  readonly #cancellation = new AbortController();
  readonly #idleCallbacks: (() => void)[] = [];
  #active = 0;
  #pending = 0;
  #isPumpScheduled = false;
  #isDraining = false;

  constructor(options: KeyedDeliveryOptions<E, P>) {
    this.#options = options;
    this.#writer = new EventWriter(options);
    this.#held = options.heldWrites({
      release: (key, write) => this.#enqueue(key, write),
      drop: (cause, write) => this.#drop(cause, write),
    });
  }

  get pending(): number {
    return this.#pending;
  }

  /** Takes an event on. Writes nothing before the caller has gone on, so that what it records next may be written with it. */
  accept(event: E): void {
    const { correlator, counts, logger, maxQueuedEvents, shape, nameAnnotation } = this.#options;
    if (this.#cancellation.signal.aborted) {
      counts.drop('shutdown', event);
      return;
    }
    try {
      if (this.#lanes.size >= maxQueuedEvents && !correlator.continues(event, this.#isUnderWay)) {
        counts.drop('queue_full', event);
        return;
      }
      const { event: counted, skip, key, isAggregate } = correlator.eventCorrelate(event);
      this.#pending += 1;
      if (isAggregate) counts.aggregated += 1;
      const isGivenName = givenName(counted.metadata.annotations, nameAnnotation) === counted.metadata.name;
      const write = newWrite(counted, shape.countOf(counted) <= 1, isGivenName);
      if (skip) this.#skipped(key, write);
      else this.#enqueue(key, merged(this.#held.take(key), write));
    } catch (error) {
      logger.error('Event correlation failed', { error });
      counts.drop('rejected', event);
    }
  }

  async flush(): Promise<void> {
    const unwritten = [...this.#lanes.values()].map(lane => lane.waiting ?? lane.writing).filter(write => write !== undefined);
    let left = unwritten.length;
    if (left === 0) return;
    await new Promise<void>(resolve => {
      const onWritten = () => {
        left -= 1;
        if (left === 0) resolve();
      };
      for (const write of unwritten) (write.waiters ??= []).push(onWritten);
    });
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#held.releaseAll();
    for (const lane of this.#lanes.values()) lane.wake?.();
    if (this.#pending > 0) await new Promise<void>(resolve => this.#idleCallbacks.push(resolve));
  }

  abandon(): void {
    this.#cancellation.abort();
    this.#held.releaseAll();
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const lane of lanes) {
      lane.wake?.();
      for (const write of [lane.writing, lane.waiting]) if (write !== undefined) this.#drop('shutdown', write);
    }
  }

  /** A write of this key that waits anyway takes the skipped event along; else it waits for a token. */
  #skipped(key: string, write: EventWrite<E>): void {
    this.#options.counts.filtered += 1;
    const lane = this.#lanes.get(key);
    if (lane?.waiting !== undefined) lane.waiting = merged(lane.waiting, write);
    else if (this.#isDraining) this.#enqueue(key, write);
    else this.#held.hold(key, write);
  }

  #enqueue(key: string, write: EventWrite<E>): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) {
      const added: Lane<E> = { key, writing: undefined, waiting: write, wake: undefined };
      this.#lanes.set(key, added);
      this.#makeReady(added);
    } else if (lane.waiting !== undefined) {
      lane.waiting = merged(lane.waiting, write);
    } else {
      lane.waiting = write;
      if (lane.writing === undefined) this.#makeReady(lane);
    }
  }

  #makeReady(lane: Lane<E>): void {
    this.#ready.push(lane);
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    void settled.then(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpScheduled = false;
    while (this.#active < this.#options.concurrency && !this.#cancellation.signal.aborted) {
      const lane = this.#ready.shift();
      if (lane?.waiting === undefined) break;
      this.#active += 1;
      const write = lane.waiting;
      lane.waiting = undefined;
      lane.writing = write;
      // #write never rejects: EventWriter.write does not.
      void this.#write(lane, write);
    }
  }

  async #write(lane: Lane<E>, write: EventWrite<E>): Promise<void> {
    const { event, isCreate } = write;
    const isUpdate = this.#options.shape.countOf(event) > 1 && !isCreate;
    const outcome = await this.#writer.write(event, isUpdate, this.#cancellation.signal);
    this.#active -= 1;
    if (this.#cancellation.signal.aborted) return;
    lane.writing = undefined;
    this.#settle(lane, write, outcome);
    if (lane.waiting === undefined) this.#lanes.delete(lane.key);
    else if (lane.wake === undefined) this.#makeReady(lane);
    if (this.#ready.size > 0) this.#pump();
  }

  #settle(lane: Lane<E>, write: EventWrite<E>, outcome: WriteOutcome<E>): void {
    const { correlator, counts } = this.#options;
    switch (outcome.kind) {
      case 'recorded':
        correlator.updateState(outcome.answer, lane.key);
        if (write.isRenamed) this.#rename(lane, write.event.metadata.name);
        counts.delivered += write.weight;
        {
          this.#finish(write);
          return;
        }
      case 'exists': {
        this.#alreadyExists(lane, write);
        return;
      }
      case 'rejected': {
        this.#drop('rejected', write);
        return;
      }
      case 'retry': {
        this.#retry(lane, write, outcome);
        return;
      }
    }
  }

  /** Differs from client-go, which drops the event. Either an attempt without an answer has made it, or its name is another event's. */
  #alreadyExists(lane: Lane<E>, write: EventWrite<E>): void {
    const { counts, names, now, shape } = this.#options;
    if (write.mayBeThere && shape.countOf(write.event) <= 1) {
      counts.delivered += write.weight;
      this.#finish(write);
    } else if (write.mayBeThere) {
      this.#again(lane, { ...write, isCreate: false, mayBeThere: false });
    } else if (!write.isCreate) {
      // A patch had not found it, and now it is there: as client-go does with series, patched again later.
      this.#retry(lane, write, { kind: 'retry', mayBeDone: false });
    } else if (!write.isRenamed) {
      const { event } = write;
      const name = names.next(shape.objectOf(event).name ?? '', now());
      this.#again(lane, { ...write, event: { ...event, metadata: { ...event.metadata, name } }, isRenamed: true });
    } else {
      this.#drop('rejected', write);
    }
  }

  #retry(lane: Lane<E>, write: EventWrite<E>, { retryAfterMs, isLastTry, mayBeDone }: RetryOutcome): void {
    const { retryDelayMs, logger } = this.#options;
    const tries = write.tries + 1;
    if (isLastTry === true && tries > 1) {
      this.#drop('rejected', write);
      return;
    }
    if (tries >= maxTriesPerEvent) {
      if (!this.#isDraining && this.#isHeldUnwritten(lane, { ...write, tries })) return;
      logger.error('Unable to write event (retry limit exceeded!)', { event: write.event });
      this.#drop('retry_limit', write);
      return;
    }
    const delayMs = retryAfterMs ?? retryDelayMs(tries);
    this.#again(lane, { ...write, tries, mayBeThere: write.mayBeThere || (write.isCreate && mayBeDone) });
    const wake = () => {
      stop();
      lane.wake = undefined;
      this.#makeReady(lane);
    };
    const stop = startTimer(this.#isDraining ? Math.min(delayMs, drainSleepMs) : delayMs, wake);
    lane.wake = wake;
  }

  /** Together with what was recorded meanwhile: an older count must not be written after a newer. */
  #isHeldUnwritten(lane: Lane<E>, write: EventWrite<E>): boolean {
    const all = lane.waiting === undefined ? write : merged(write, lane.waiting);
    if (this.#held.holdUnwritten?.(lane.key, all) !== true) return false;
    lane.waiting = undefined;
    return true;
  }

  /** Takes along what was recorded meanwhile. What is held back now is newer than what waits. */
  #again(lane: Lane<E>, write: EventWrite<E>): void {
    const waiting = lane.waiting === undefined ? write : merged(write, lane.waiting);
    const held = this.#held.take(lane.key);
    lane.waiting = held === undefined ? waiting : merged(waiting, held);
  }

  /** What was recorded before the server had the event goes by its first name. */
  #rename(lane: Lane<E>, name: string): void {
    if (lane.waiting !== undefined) lane.waiting = renamed(lane.waiting, name);
    const held = this.#held.take(lane.key);
    if (held !== undefined) this.#held.hold(lane.key, renamed(held, name));
  }

  #drop(cause: DropCause, write: EventWrite<E>): void {
    this.#options.counts.drop(cause, write.event, write.weight);
    this.#finish(write);
  }

  #finish(write: EventWrite<E>): void {
    this.#pending -= write.weight;
    if (write.waiters !== undefined) for (const waiter of write.waiters) waiter();
    if (this.#pending > 0) return;
    for (const callback of this.#idleCallbacks.splice(0)) callback();
  }
}
