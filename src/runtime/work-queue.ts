// WorkQueue: keys to reconcile, deduplicated, each with one worker at a time. Port of client-go v0.37.2 util/workqueue:
//   Typed, TypedDelayingInterface, TypedRateLimitingInterface and their default rate limiters, in one class.
import { Fifo } from '../collections/fifo.ts';
import { longestTimerMs } from '../time/timer.ts';
import { TokenBucket } from '../time/token-bucket.ts';

/** The state of a queue when its gauges are read. */
export interface QueueObservation {
  /** Keys that wait for a worker. As upstream, this includes those that were added again while in work. */
  readonly depth: number;
  /** Sum over the keys in work of the time since each was taken. */
  readonly unfinishedSeconds: number;
  readonly longestRunningSeconds: number;
}

/** Receives what queues measure. Upstream: client-go util/workqueue MetricsProvider. */
export interface QueueMetrics {
  /** Called once for each queue; `observe` is called whenever the gauges are read. */
  watch(name: string, observe: () => QueueObservation): void;
  /** A key was added that did not wait already. */
  added(name: string): void;
  /** `addAfter` or `addRateLimited` was called. */
  retried(name: string): void;
  /** A worker took a key, which had waited for so long. */
  taken(name: string, queuedSeconds: number): void;
  /** A worker was done with a key after so long. */
  finished(name: string, workedSeconds: number): void;
}

/** Options of a WorkQueue. */
export interface WorkQueueOptions {
  /** The queue's name in metrics. Default: ''. */
  readonly name?: string;
  /** Milliseconds before a key's first retry; doubled for each further one. Default: 5, as upstream. */
  readonly baseDelayMs?: number;
  /** Upper limit of that delay in milliseconds. Default: 1 000 000, as upstream. */
  readonly maxDelayMs?: number;
  /** Sustained retries a second over all keys, above 0. Default: 10, as upstream. */
  readonly qps?: number;
  /** Retries at once over all keys, at least 1. Default: 100, as upstream. */
  readonly burst?: number;
  /** Default: not measured. */
  readonly metrics?: QueueMetrics | undefined;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly readyAtMs: number;
}

/**
 * Keys to reconcile, each once however often it is added. A key that is added while it is in work is worked on again afterwards, so no
 * change is lost. Upstream: client-go workqueue.TypedRateLimitingInterface.
 */
export class WorkQueue {
  readonly #name: string;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #bucket: TokenBucket;
  readonly #metrics: QueueMetrics | undefined;

  /** Keys in the order in which workers get them. Each is also in #dirty, and none in #processing. */
  readonly #ready = new Fifo<string>();
  /** Keys that must be worked on, with the time of their first add. */
  readonly #dirty = new Map<string, number>();
  /**
   * Keys that a worker has taken, with the time. A key that is added again meanwhile is only in #dirty, and done() makes it
   * ready: so a change during a reconcile is not lost, and no key has two workers.
   */
  readonly #processing = new Map<string, number>();
  /** Keys of addAfter that are not due yet. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  /** Workers that wait for a key, in the order of their calls. */
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #isShutDown = false;

  /** @throws RangeError for a `qps` or `burst` with which a retry would never come */
  constructor(options: WorkQueueOptions = {}) {
    const { name = '', baseDelayMs = 5, maxDelayMs = 1_000_000, qps = 10, burst = 100, metrics } = options;
    if (!(qps > 0 && Number.isFinite(qps))) throw new RangeError(`qps must be a number above 0, not ${qps}`);
    if (!(burst >= 1 && Number.isFinite(burst))) throw new RangeError(`burst must be a number of at least 1, not ${burst}`);
    this.#name = name;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#bucket = new TokenBucket({ qps, burst });
    this.#metrics = metrics;
    metrics?.watch(name, () => this.#observation());
  }

  /** Number of keys that are ready and not yet taken. */
  get length(): number {
    return this.#ready.size;
  }

  /** Adds the key, unless it waits already. A worker will get it after this call. No effect after shutDown(). */
  add(key: string): void {
    if (this.#isShutDown || this.#dirty.has(key)) return;
    this.#metrics?.added(this.#name);
    this.#dirty.set(key, performance.now());
    if (!this.#processing.has(key)) this.#offer(key);
  }

  /** Adds the key after `ms` milliseconds, or at once if that is not above 0. Of several calls for a key the earliest due time wins. */
  addAfter(key: string, ms: number): void {
    if (this.#isShutDown) return;
    this.#metrics?.retried(this.#name);
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const delayMs = Math.min(ms, longestTimerMs);
    const readyAtMs = performance.now() + delayMs;
    const earlier = this.#waiting.get(key);
    if (earlier !== undefined && earlier.readyAtMs <= readyAtMs) return;
    clearTimeout(earlier?.timer);
    const onReady = () => {
      this.#waiting.delete(key);
      this.add(key);
    };
    this.#waiting.set(key, { timer: setTimeout(onReady, delayMs), readyAtMs });
  }

  /** Adds the key after its exponential backoff, and not before the rate limit over all keys allows it. */
  addRateLimited(key: string): void {
    const failures = this.numRequeues(key);
    this.#failures.set(key, failures + 1);
    const backoffMs = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** failures);
    this.addAfter(key, Math.max(backoffMs, this.#bucket.reserve()));
  }

  /** Resets the key's backoff: call it after a success. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often addRateLimited was called for the key since the last forget(). */
  numRequeues(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Resolves with the next key; the worker must then call done(). Resolves with `undefined` once the queue is shut down and empty. */
  get(): Promise<string | undefined> {
    if (this.#ready.size > 0 || this.#isShutDown) return Promise.resolve(this.#take());
    return new Promise(resolve => this.#takers.push(resolve));
  }

  /** Reports that the worker has finished with the key, whatever the result. */
  done(key: string): void {
    const startedMs = this.#processing.get(key);
    if (startedMs === undefined) return;
    this.#processing.delete(key);
    this.#metrics?.finished(this.#name, (performance.now() - startedMs) / 1000);
    if (this.#dirty.has(key)) this.#offer(key);
  }

  /** Ignores further adds and drops the keys of addAfter; workers still get the keys that wait, and then `undefined`. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #offer(key: string): void {
    this.#ready.push(key);
    this.#takers.shift()?.(this.#take());
  }

  #take(): string | undefined {
    const key = this.#ready.shift();
    if (key === undefined) return undefined;
    const nowMs = performance.now();
    this.#metrics?.taken(this.#name, (nowMs - (this.#dirty.get(key) ?? nowMs)) / 1000);
    this.#dirty.delete(key);
    this.#processing.set(key, nowMs);
    return key;
  }

  #observation(): QueueObservation {
    const nowMs = performance.now();
    const seconds = [...this.#processing.values()].map(startedMs => (nowMs - startedMs) / 1000);
    return {
      depth: this.#dirty.size,
      unfinishedSeconds: seconds.reduce((sum, each) => sum + each, 0),
      longestRunningSeconds: Math.max(0, ...seconds),
    };
  }
}
