// Watcher: one consumer's bounded queue. Before it: broadcaster.ts. After it: whoever iterates it or subscribes to `results`.
//   Port of apimachinery v0.37.2 pkg/watch/mux.go (broadcasterWatcher) and watch.go (Interface).
import { Observable, Subject } from 'rxjs';
import { Fifo } from './fifo.ts';

/** What happened to the object of a watch event, as the Kubernetes API spells it. */
export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** An event as it is distributed: one object, shared by all watchers and never copied. */
export interface WatchEvent<T> {
  readonly type: WatchEventType;
  readonly object: T;
}

/** What a watcher tells the broadcaster that feeds it. */
export interface WatcherFeed {
  /** There may be room now: an event was taken, or a reader waits. */
  onRoom(): void;
  /** The watcher takes no more events. */
  onStop(): void;
}

export interface WatcherOptions {
  /** Stops the watcher when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

type Taker<T> = (event: WatchEvent<T> | undefined) => void;

const noFeed: WatcherFeed = { onRoom: () => undefined, onStop: () => undefined };

/**
 * Events in the order in which the broadcaster accepted them. Either one consumer pulls – `for await`, or `forEach` – and the
 * queue fills while it is busy; or any number subscribe to `results`, get each event at once, and the queue stays empty.
 * Until somebody consumes, the queue fills. After `stop()` or the broadcaster's `shutdown()` what is queued can still be read,
 * then the watcher completes, exactly once.
 */
export class Watcher<T> implements AsyncIterable<WatchEvent<T>>, Disposable {
  /** Each event, as soon as it is distributed. Unsubscribing does not stop the watcher: events queue up again. */
  readonly results: Observable<WatchEvent<T>>;
  readonly #capacity: number;
  readonly #feed: WatcherFeed;
  readonly #queue = new Fifo<WatchEvent<T>>();
  /** Readers that wait for an event; then the queue is empty. */
  readonly #takers = new Fifo<Taker<T>>();
  /** There once somebody has subscribed to `results`. */
  #subject: Subject<WatchEvent<T>> | undefined;
  #isPulled = false;
  #isFlushing = false;
  #isStopped = false;
  #dropped = 0;

  /** Made by `Broadcaster.watch`. A queued prefix may be longer than `capacity`. */
  constructor(capacity: number, feed: WatcherFeed = noFeed, queued: Iterable<WatchEvent<T>> = []) {
    this.#capacity = capacity;
    this.#feed = feed;
    for (const event of queued) this.#queue.push(event);
    this.results = new Observable(subscriber => {
      if (this.#isPulled) throw new Error('this watcher is already iterated: watch again for a second consumer');
      this.#subject ??= new Subject();
      const subscription = this.#subject.subscribe(subscriber);
      this.#flush();
      return subscription;
    });
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

  [Symbol.dispose](): void {
    this.stop();
  }

  /**
   * Calls `handler` with one event after another; waits for its promise, if it returns one, before the next.
   * @returns when the watcher has completed, or `signal` has aborted (then what is queued is left)
   * @throws what `handler` throws; the watcher is stopped then
   */
  async forEach(handler: (event: WatchEvent<T>) => unknown, options: WatcherOptions = {}): Promise<void> {
    const { signal } = options;
    this.#claim();
    const onAbort = () => {
      this.#discard();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted === true) this.#discard();
      for (;;) {
        const event = this.#take() ?? (await this.#nextTaken());
        if (event === undefined) return;
        const handled = handler(event);
        if (isPromiseLike(handled)) await handled;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#discard();
    }
  }

  /** For one `for await` loop; leaving the loop stops the watcher. */
  [Symbol.asyncIterator](): AsyncIterator<WatchEvent<T>, undefined> {
    this.#claim();
    return {
      next: async () => {
        const value = this.#take() ?? (await this.#nextTaken());
        return value === undefined ? { value: undefined, done: true } : { value, done: false };
      },
      return: () => {
        this.#discard();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  /** For the broadcaster: hands `event` over, or says that there is no room for it. A stopped watcher swallows it. */
  offer(event: WatchEvent<T>): boolean {
    if (this.#isStopped) return true;
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(event);
    else if (this.#subject?.observed === true && !this.#isFlushing) this.#subject.next(event);
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
    this.#isStopped = true;
    if (this.#queue.size > 0) return;
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) taker(undefined);
    this.#subject?.complete();
  }

  #claim(): void {
    if (this.#isPulled || this.#subject !== undefined)
      throw new Error('this watcher has a consumer already: watch again for a second one');
    this.#isPulled = true;
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

  #nextTaken(): Promise<WatchEvent<T> | undefined> {
    if (this.#isStopped) return Promise.resolve(undefined);
    return new Promise(resolve => {
      this.#takers.push(resolve);
      this.#feed.onRoom();
    });
  }

  /** Hands what is queued to the first subscriber. What is offered meanwhile goes behind it. */
  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#subject?.observed === true && this.#queue.size > 0) {
        const event = this.#take();
        if (event !== undefined) this.#subject.next(event);
      }
    } finally {
      this.#isFlushing = false;
    }
    if (this.#isStopped) this.close();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A watcher that has completed: for callers who want something to stop. */
export function newEmptyWatch<T>(): Watcher<T> {
  const watcher = new Watcher<T>(0);
  watcher.stop();
  return watcher;
}
