// Watcher: one consumer's bounded queue.
//   Port of apimachinery v0.37.2 pkg/watch/mux.go (broadcasterWatcher) and watch.go (Interface).
/// <reference lib="esnext.disposable" preserve="true" />
// A consumer whose own libraries have no Disposable gets it from here, with the declarations of every other module.
import { Observable, Subject, type Subscriber } from 'rxjs';
import { Fifo } from '../collections/fifo.ts';

/** What happened to the object of a watch event, as the Kubernetes API spells it. */
export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** An event as it is distributed: one object, shared by all watchers and never copied. */
export interface WatchEvent<T> {
  readonly type: WatchEventType;
  readonly object: T;
}

/** How a watcher calls the broadcaster that feeds it. */
export interface WatcherFeed {
  /** There may be room now: an event was taken, or a reader waits. */
  onRoom(): void;
  /** The watcher takes no more events. */
  onClose(): void;
  /** It was stopped. */
  onStop(): void;
}

/** Options of a consumer. */
export interface WatcherOptions {
  /** Stops the watcher when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** Gets each event as soon as it is distributed. */
interface PushConsumer<T> {
  deliver(event: WatchEvent<T>): void;
  complete(): void;
}

const noFeed: WatcherFeed = { onRoom: () => undefined, onClose: () => undefined, onStop: () => undefined };
const done: IteratorResult<never, undefined> = { value: undefined, done: true };

/**
 * Events in the order in which the broadcaster accepted them. Either one consumer takes them one by one – `for await`, or `forEach` –
 * and the queue fills while it is busy; or any number subscribe to `results`, and the queue stays empty. Without a consumer, the
 * queue fills. After `stop()` or the broadcaster's `shutdown()` what is queued can still be read, then the watcher completes, exactly once.
 * A second consumer that takes is refused with an error: watch again for it.
 */
export class Watcher<T> implements AsyncIterable<WatchEvent<T>>, Disposable {
  /**
   * Each event, as soon as it is distributed; in the place of Go's `ResultChan()`. Unsubscribing does not stop the watcher: events queue up
   * again. A subscriber that throws harms no other one.
   *
   * @example
   * ```ts
   * import { Broadcaster } from 'bitcoin-controller/broadcaster';
   *
   * await using numbers = new Broadcaster<number>({ queueLength: 10 });
   * const watcher = numbers.watch();
   * watcher.results.subscribe({ next: ({ object }) => console.log(object), complete: () => console.log('the end') });
   * console.log(await numbers.action('ADDED', 1), watcher.size); // it has been delivered: nothing is queued
   * await numbers.shutdown();
   * // prints 1
   * // prints undefined 0
   * // prints the end
   * ```
   */
  readonly results: Observable<WatchEvent<T>>;
  readonly #capacity: number;
  readonly #feed: WatcherFeed;
  readonly #queue = new Fifo<WatchEvent<T>>();
  /** Iterations that wait for an event; then the queue is empty. */
  readonly #takers = new Fifo<(result: IteratorResult<WatchEvent<T>, undefined>) => void>();
  /** Set while `forEach` runs or `results` has a subscriber. */
  #consumer: PushConsumer<T> | undefined;
  /** Set once `results` has had a subscriber. */
  #subject: Subject<WatchEvent<T>> | undefined;
  #hasSoleConsumer = false;
  /** A handler runs, or the promise that it returned is pending. */
  #isBusy = false;
  #isFlushing = false;
  #isStopped = false;
  #dropped = 0;

  /** Made by `Broadcaster.watch`. A queued prefix may be longer than `capacity`. */
  constructor(capacity: number, feed: WatcherFeed = noFeed, queued: Iterable<WatchEvent<T>> = []) {
    this.#capacity = capacity;
    this.#feed = feed;
    for (const event of queued) this.#queue.push(event);
    this.results = new Observable(subscriber => this.#subscribe(subscriber));
  }

  /** No more events are taken; what is queued can still be read. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** How many events were dropped for this watcher because its queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many events wait to be read. */
  get size(): number {
    return this.#queue.size;
  }

  /** Takes no more events. Idempotent; frees a broadcaster that waits for this watcher. */
  stop(): void {
    if (this.#isStopped) return;
    this.close();
    this.#feed.onStop();
  }

  /** As `stop`, for `using`. */
  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Calls `handler` with one event after another, as soon as it is distributed; while a promise that it returned is pending, events queue.
   * @returns when the watcher has completed, or `signal` has aborted (what is queued is left then)
   * @throws what `handler` throws; the watcher is stopped then
   *
   * @example
   * ```ts
   * import { Broadcaster } from 'bitcoin-controller/broadcaster';
   *
   * await using numbers = new Broadcaster<number>({ queueLength: 10 });
   * const handled = numbers.watch().forEach(async ({ object }) => {
   *   console.log('begin', object);
   *   await Promise.resolve();
   *   console.log('end', object);
   * });
   * await numbers.action('ADDED', 1);
   * await numbers.action('ADDED', 2);
   * await numbers.shutdown();
   * await handled;
   * // prints begin 1
   * // prints end 1
   * // prints begin 2
   * // prints end 2
   * ```
   */
  forEach(handler: (event: WatchEvent<T>) => unknown, options: WatcherOptions = {}): Promise<void> {
    const { signal } = options;
    this.#claim();
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#discard();
      const onHandled = () => {
        this.#isBusy = false;
        this.#flush();
      };
      const onFailed = (error: Error) => {
        reject(error);
        this.#isBusy = false;
        this.#discard();
      };
      const deliver = (event: WatchEvent<T>) => {
        this.#isBusy = true;
        try {
          const handled = handler(event);
          if (isPromiseLike(handled)) {
            // A promise of another make may call back more than once, or at once.
            Promise.resolve(handled).then(onHandled, onFailed);
            return;
          }
          this.#isBusy = false;
          if (this.#isStopped || this.#queue.size > 0) this.#flush();
        } catch (error) {
          onFailed(error as Error);
        }
      };
      const complete = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#consumer = { deliver, complete };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) this.#discard();
      else this.#flush();
    });
  }

  /** For one `for await` loop; leaving the loop stops the watcher. */
  [Symbol.asyncIterator](): AsyncIterator<WatchEvent<T>, undefined> {
    this.#claim();
    return {
      next: () => this.#next(),
      return: () => {
        this.#discard();
        return Promise.resolve(done);
      },
    };
  }

  /** For the broadcaster: hands `event` over, and returns false if there is no room for it. A stopped watcher discards it. */
  offer(event: WatchEvent<T>): boolean {
    if (this.#isStopped) return true;
    if (this.#consumer !== undefined && !this.#isBusy && !this.#isFlushing) {
      this.#consumer.deliver(event);
      return true;
    }
    const taker = this.#takers.shift();
    if (taker !== undefined) taker({ value: event, done: false });
    else if (this.#queue.size < this.#capacity) this.#queue.push(event);
    else return false;
    return true;
  }

  /** For the broadcaster: counts an event that was dropped for this watcher. */
  countDrop(): void {
    this.#dropped += 1;
  }

  /** For the broadcaster: the last event has been offered. */
  close(): void {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#feed.onClose();
    }
    if (this.#queue.size > 0 || this.#isBusy || this.#isFlushing) return;
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) taker(done);
    this.#consumer?.complete();
    this.#subject?.complete();
  }

  #claim(): void {
    if (this.#hasSoleConsumer || this.#subject !== undefined)
      throw new Error('this watcher has a consumer already: watch again for a second one');
    this.#hasSoleConsumer = true;
  }

  #subscribe(subscriber: Subscriber<WatchEvent<T>>): () => void {
    if (this.#hasSoleConsumer) throw new Error('this watcher has a consumer already: watch again for a second one');
    const subject = (this.#subject ??= new Subject());
    const subscription = subject.subscribe(subscriber);
    this.#consumer ??= {
      deliver: event => {
        subject.next(event);
        if (!subject.observed) this.#consumer = undefined;
      },
      complete: () => undefined,
    };
    this.#flush();
    return () => {
      subscription.unsubscribe();
      if (!subject.observed) this.#consumer = undefined;
    };
  }

  #discard(): void {
    this.#queue.clear();
    this.stop();
    this.close();
  }

  #take(): WatchEvent<T> | undefined {
    const event = this.#queue.shift();
    if (event !== undefined) this.#feed.onRoom();
    return event;
  }

  #next(): Promise<IteratorResult<WatchEvent<T>, undefined>> {
    const value = this.#take();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#isStopped) return Promise.resolve(done);
    return new Promise(resolve => {
      this.#takers.push(resolve);
      this.#feed.onRoom();
    });
  }

  /** Hands over what is queued, as long as the consumer is not busy. What is offered meanwhile goes behind it. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    while (this.#queue.size > 0 && this.#isConsuming()) {
      const event = this.#take();
      if (event !== undefined) this.#consumer?.deliver(event);
    }
    this.#isFlushing = false;
    if (this.#isStopped) this.close();
    else if (this.#isConsuming()) this.#feed.onRoom();
  }

  #isConsuming(): boolean {
    return this.#consumer !== undefined && !this.#isBusy;
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A watcher that has completed: for callers who want something to stop. Port of `NewEmptyWatch`. */
export function newEmptyWatch<T>(): Watcher<T> {
  const watcher = new Watcher<T>(0);
  watcher.stop();
  return watcher;
}
