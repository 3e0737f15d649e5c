// Broadcaster: distributes each event to every watcher.
//   Port of apimachinery v0.37.2 pkg/watch/mux.go (Broadcaster).
import { Observable, Subject } from 'rxjs';
import { FullChannelBehavior, type BroadcasterOptions, type DroppedEvent } from './options.ts';
import { Fifo } from '../collections/fifo.ts';
import { Watcher, type WatchEvent, type WatchEventType, type WatcherOptions } from './watcher.ts';

/** The broadcaster was shut down before the call: the event was not accepted, or there is no watcher to be had. */
export class BroadcasterStoppedError extends Error {
  override readonly name = 'BroadcasterStoppedError';

  constructor() {
    super('broadcaster already stopped');
  }
}

/** An accepted event, with the watchers that were there when it was accepted: later ones do not see it. */
interface Accepted<T> {
  readonly event: WatchEvent<T>;
  readonly watchers: readonly Watcher<T>[];
}

/** An event that a full watcher holds up; its first `done` watchers have had it. */
interface HeldUp<T> extends Accepted<T> {
  readonly done: number;
}

/** A caller of `action` that waits. */
interface Waiting<T> {
  readonly event: WatchEvent<T>;
  readonly resolve: () => void;
  isCancelled: boolean;
}

const incomingQueueLength = 25;
const accepted = Promise.resolve();

/**
 * Every watcher sees the events accepted after it was made, in the order in which they were accepted; nothing before, none missed
 * but those that its own full queue makes it miss in drop mode. In wait mode one full watcher holds up all, until it has room or stops.
 *
 * @typeParam T - what is distributed: any value, shared by all watchers and never copied
 *
 * @example
 * ```ts
 * import { Broadcaster } from 'bitcoin-controller/broadcaster';
 *
 * await using tips = new Broadcaster<{ height: number }>({ queueLength: 100 });
 * const tip = tips.watch();
 * await tips.action('MODIFIED', { height: 901_000 });
 * await tips.action('MODIFIED', { height: 901_001 });
 * await tips.shutdown();
 * for await (const { type, object } of tip) console.log(type, object.height);
 * // prints MODIFIED 901000
 * // prints MODIFIED 901001
 * ```
 */
export class Broadcaster<T> implements AsyncDisposable {
  /** One watcher a subscription: subscribing watches, unsubscribing stops. Errors with `BroadcasterStoppedError` if subscribed after shutdown. */
  readonly events$: Observable<WatchEvent<T>>;
  /** Each dropped event, as it is dropped. Completes with the shutdown. */
  readonly drops: Observable<DroppedEvent<T>>;
  readonly #queueLength: number;
  readonly #incomingLength: number;
  readonly #waitsIfFull: boolean;
  readonly #drops = new Subject<DroppedEvent<T>>();
  /** Replaced, never changed: an accepted event keeps the list of its moment. */
  #watchers: readonly Watcher<T>[] = [];
  readonly #incoming = new Fifo<Accepted<T>>();
  /** Callers of action, while #incoming is full. */
  readonly #waiting = new Fifo<Waiting<T>>();
  #heldUp: HeldUp<T> | undefined;
  #isDistributing = false;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => void this.shutdown();
  #shutdown: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(options: BroadcasterOptions) {
    this.#queueLength = options.queueLength;
    this.#incomingLength = options.incomingQueueLength ?? incomingQueueLength;
    this.#waitsIfFull = options.fullChannelBehavior !== FullChannelBehavior.DropIfChannelFull;
    this.drops = this.#drops.asObservable();
    this.events$ = new Observable(subscriber => {
      const watcher = this.watch();
      watcher.results.subscribe(subscriber);
      return () => {
        watcher.stop();
      };
    });
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) void this.shutdown();
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Nothing more is accepted. */
  get stopped(): boolean {
    return this.#shutdown !== undefined;
  }

  /**
   * A watcher of everything that is accepted from now on. Port of `Watch`.
   * @throws BroadcasterStoppedError
   */
  watch(options: WatcherOptions = {}): Watcher<T> {
    return this.#newWatcher(this.#queueLength, [], options);
  }

  /**
   * As `watch`, with `queued` before the first live event: for a watcher that is to begin with what there is. Port of `WatchWithPrefix`.
   * @throws BroadcasterStoppedError
   */
  watchWithPrefix(queued: Iterable<WatchEvent<T>>, options: WatcherOptions = {}): Watcher<T> {
    const prefix = [...queued];
    return this.#newWatcher(Math.max(this.#queueLength, prefix.length + 1), prefix, options);
  }

  /**
   * Distributes an event; waits while too many are ahead of it. Port of `Action`.
   * @returns when it is accepted, not when it is read. Rejects with `signal.reason` if that aborts before, with BroadcasterStoppedError after shutdown.
   */
  action(type: WatchEventType, object: T, options?: { readonly signal?: AbortSignal }): Promise<void> {
    const signal = options?.signal;
    if (this.#shutdown !== undefined) return Promise.reject(new BroadcasterStoppedError());
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const event = { type, object };
    if (this.#accept(event)) return accepted;
    return this.#wait(event, signal);
  }

  /**
   * Distributes an event unless too many are queued. Never waits. Port of `ActionOrDrop`.
   * @returns whether it was accepted; if not, it is among the `drops`
   * @throws BroadcasterStoppedError
   *
   * @example
   * ```ts
   * import { Broadcaster, FullChannelBehavior } from 'bitcoin-controller/broadcaster';
   *
   * const fullChannelBehavior = FullChannelBehavior.DropIfChannelFull;
   * await using numbers = new Broadcaster<number>({ queueLength: 2, fullChannelBehavior });
   * numbers.drops.subscribe(({ event, at }) => console.log(at, 'dropped', event.object));
   * const watcher = numbers.watch();
   * for (const number of [1, 2, 3]) console.log(numbers.actionOrDrop('ADDED', number));
   * // prints true
   * // prints true
   * // prints watcher dropped 3
   * // prints true
   * console.log(watcher.size, 'queued,', watcher.dropped, 'dropped'); // prints 2 queued, 1 dropped
   * ```
   */
  actionOrDrop(type: WatchEventType, object: T): boolean {
    if (this.#shutdown !== undefined) throw new BroadcasterStoppedError();
    const event = { type, object };
    const isAccepted = this.#accept(event);
    if (!isAccepted) this.#drops.next({ event, at: 'incoming' });
    return isAccepted;
  }

  /**
   * Accepts nothing more, distributes what was accepted, then completes the watchers. Does not wait for them to read, but in wait mode for
   * room in their queues. Idempotent. Port of `Shutdown`.
   */
  shutdown(): Promise<void> {
    if (this.#shutdown === undefined) {
      let resolve = () => undefined as void;
      const promise = new Promise<void>(done => {
        resolve = done;
      });
      this.#shutdown = { promise, resolve };
      this.#pump();
    }
    return this.#shutdown.promise;
  }

  /** As `shutdown`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #newWatcher(capacity: number, prefix: readonly WatchEvent<T>[], { signal }: WatcherOptions): Watcher<T> {
    if (this.#shutdown !== undefined) throw new BroadcasterStoppedError();
    const onAbort = () => {
      watcher.stop();
    };
    const onClose = () => signal?.removeEventListener('abort', onAbort);
    const onStop = () => {
      this.#watchers = this.#watchers.filter(other => other !== watcher);
      this.#pump();
    };
    const onRoom = () => {
      if (this.#heldUp !== undefined) this.#pump();
    };
    const watcher = new Watcher<T>(capacity, { onRoom, onClose, onStop }, prefix);
    this.#watchers = [...this.#watchers, watcher];
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) watcher.stop();
    return watcher;
  }

  #accept(event: WatchEvent<T>): boolean {
    if (!this.#isDistributing && this.#heldUp === undefined) {
      this.#isDistributing = true;
      this.#distribute(event, this.#watchers, 0);
      this.#isDistributing = false;
      if (this.#incoming.size > 0 || this.#waiting.size > 0 || this.#shutdown !== undefined) this.#pump();
      return true;
    }
    if (this.#incoming.size >= this.#incomingLength) return false;
    this.#incoming.push({ event, watchers: this.#watchers });
    return true;
  }

  #wait(event: WatchEvent<T>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        waiting.isCancelled = true;
        reject(signal?.reason as Error);
      };
      const onAccepted = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiting: Waiting<T> = { event, resolve: onAccepted, isCancelled: false };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** Continues to distribute, until all events are distributed or a full watcher blocks. Calls from within return at once. */
  #pump(): void {
    if (this.#isDistributing) return;
    this.#isDistributing = true;
    let next = this.#nextToDistribute();
    while (next !== undefined && this.#distribute(next.event, next.watchers, next.done)) next = this.#nextToDistribute();
    this.#isDistributing = false;
    if (this.#shutdown !== undefined && this.#heldUp === undefined) this.#finish(this.#shutdown.resolve);
  }

  #nextToDistribute(): HeldUp<T> | undefined {
    const heldUp = this.#heldUp;
    this.#heldUp = undefined;
    if (heldUp !== undefined) return heldUp;
    const next = this.#incoming.shift() ?? this.#admitted();
    while (this.#waiting.size > 0 && this.#incoming.size < this.#incomingLength) {
      const admitted = this.#admitted();
      if (admitted !== undefined) this.#incoming.push(admitted);
    }
    return next === undefined ? undefined : { ...next, done: 0 };
  }

  /** The event of the caller that has waited longest: now it is accepted. */
  #admitted(): Accepted<T> | undefined {
    let waiting = this.#waiting.shift();
    while (waiting?.isCancelled === true) waiting = this.#waiting.shift();
    if (waiting === undefined) return undefined;
    waiting.resolve();
    return { event: waiting.event, watchers: this.#watchers };
  }

  /** False if a full watcher holds the event up. */
  #distribute(event: WatchEvent<T>, watchers: readonly Watcher<T>[], done: number): boolean {
    for (let index = done; index < watchers.length; index += 1) {
      const watcher = watchers[index];
      if (watcher === undefined || watcher.offer(event)) continue;
      if (this.#waitsIfFull) {
        this.#heldUp = { event, watchers, done: index };
        return false;
      }
      watcher.countDrop();
      this.#drops.next({ event, at: 'watcher', watcher });
    }
    return true;
  }

  #finish(resolve: () => void): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher.close();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#drops.complete();
    resolve();
  }
}

/** client-go's `NewBroadcaster`; the same as `new Broadcaster({ queueLength, fullChannelBehavior })`. */
export function newBroadcaster<T>(queueLength: number, fullChannelBehavior: FullChannelBehavior): Broadcaster<T> {
  return new Broadcaster({ queueLength, fullChannelBehavior });
}

/** client-go's `NewLongQueueBroadcaster`: the incoming queue is as long as the watchers'. */
export function newLongQueueBroadcaster<T>(queueLength: number, fullChannelBehavior: FullChannelBehavior): Broadcaster<T> {
  return new Broadcaster({ queueLength, fullChannelBehavior, incomingQueueLength: queueLength });
}
