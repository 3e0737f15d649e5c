// HeldEvents: counts that the spam filter held back, until there is a token for each. Before and after it: keyed-delivery.ts.
//   Differs from client-go, where a held back count waits until the event happens again and there is a token at that moment.
import type { EventCorrelator } from '../core/event-correlator.ts';
import type { SpamKey } from '../core/event-keys.ts';
import type { CoreV1Event } from '../core/core-event.ts';
import { merged, type EventWrite } from './event-write.ts';
import type { HeldWrites, HeldWritesCallbacks } from './held-writes.ts';
import { startTimer } from '../../time/timer.ts';

export interface HeldEventsOptions extends HeldWritesCallbacks<CoreV1Event> {
  readonly correlator: EventCorrelator;
}

interface Held {
  readonly bucket: Bucket;
  write: EventWrite<CoreV1Event>;
}

/** The keys that wait for tokens of one bucket, longest first. */
interface Bucket {
  readonly spamKey: SpamKey;
  readonly keys: Set<string>;
  stopTimer: () => void;
}

/** Beyond that the one held longest is dropped. */
const maxHeld = 4096;

export class HeldEvents implements HeldWrites<CoreV1Event> {
  readonly #options: HeldEventsOptions;
  readonly #held = new Map<string, Held>();
  readonly #buckets = new Map<SpamKey, Bucket>();

  constructor(options: HeldEventsOptions) {
    this.#options = options;
  }

  hold(key: string, write: EventWrite<CoreV1Event>): void {
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.write = merged(held.write, write);
      return;
    }
    if (this.#held.size >= maxHeld) this.#dropOldest();
    const bucket = this.#bucketOf(write);
    bucket.keys.add(key);
    this.#held.set(key, { bucket, write });
  }

  /** Removes what is held of a key. */
  take(key: string): EventWrite<CoreV1Event> | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    const { bucket, write } = held;
    this.#held.delete(key);
    bucket.keys.delete(key);
    if (bucket.keys.size === 0) {
      bucket.stopTimer();
      this.#buckets.delete(bucket.spamKey);
    }
    return write;
  }

  releaseAll(): void {
    for (const key of [...this.#held.keys()]) this.#release(key);
  }

  #bucketOf(write: EventWrite<CoreV1Event>): Bucket {
    const spamKey = this.#options.correlator.spamKey(write.event);
    let bucket = this.#buckets.get(spamKey);
    if (bucket === undefined) {
      bucket = { spamKey, keys: new Set(), stopTimer: () => undefined };
      this.#buckets.set(spamKey, bucket);
      this.#waitForToken(bucket, write);
    }
    return bucket;
  }

  #waitForToken(bucket: Bucket, write: EventWrite<CoreV1Event>): void {
    const ms = this.#options.correlator.msUntilAccepted(write.event);
    if (ms !== Infinity) bucket.stopTimer = startTimer(Math.max(1, Math.ceil(ms)), () => this.#onToken(bucket));
  }

  #onToken(bucket: Bucket): void {
    for (const key of bucket.keys) {
      const write = this.#held.get(key)?.write;
      if (write === undefined) continue;
      if (!this.#options.correlator.tryAccept(write.event)) {
        this.#waitForToken(bucket, write);
        return;
      }
      this.#release(key);
    }
  }

  #release(key: string): void {
    const write = this.take(key);
    if (write !== undefined) this.#options.release(key, write);
  }

  #dropOldest(): void {
    for (const key of this.#held.keys()) {
      const write = this.take(key);
      if (write !== undefined) this.#options.drop('spam', write);
      return;
    }
  }
}
