// WorkQueue: which keys are to be reconciled, each once and by one worker at a time. Before it: controller.ts adds keys. After it: its workers.
//   Port of client-go v0.37.2 util/workqueue: Typed, TypedDelayingInterface, TypedRateLimitingInterface and their default limiters, in one class.
import { Fifo } from '../collections/fifo.ts';
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
  added(name: string): void;
  retried(name: string): void;
  taken(name: string, queuedSeconds: number): void;
  finished(name: string, workedSeconds: number): void;
}

export interface WorkQueueOptions {
  /** As the metrics name it. */
  readonly name?: string;
  /** Delay of a key's first retry; doubled with each further one. 5 unless told, as upstream. */
  readonly baseDelayMs?: number;
  /** 1 000 000 unless told, as upstream. */
  readonly maxDelayMs?: number;
  /** Retries a second over all keys, and at once: 10 and 100 unless told, as upstream. */
  readonly qps?: number;
  readonly burst?: number;
  readonly metrics?: QueueMetrics | undefined;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly readyAtMs: number;
}

/** setTimeout takes no more; a longer wait would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export class WorkQueue {
  readonly #name: string;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #bucket: TokenBucket;
  readonly #metrics: QueueMetrics | undefined;

  /** In the order in which they will be handed out. Every key in it is also in #dirty, and none in #processing. */
  readonly #ready = new Fifo<string>();
  /** Keys that must be worked on, with the time since when. */
  readonly #dirty = new Map<string, number>();
  /**
   * A key is in #processing while a worker has it. If it is added again meanwhile it is only in #dirty, and done() puts it
   * back in line: so a change during a reconcile is never lost, and no key has two workers.
   */
  readonly #processing = new Map<string, number>();
  /** Keys of addAfter whose time has not come. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  /** Workers that wait for a key, in order of their coming. */
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #isShutDown = false;
  readonly #drained: (() => void)[] = [];

  constructor(options: WorkQueueOptions = {}) {
    const { name = '', baseDelayMs = 5, maxDelayMs = 1_000_000, qps = 10, burst = 100, metrics } = options;
    this.#name = name;
    this.#baseDelayMs = baseDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#bucket = new TokenBucket({ qps, burst });
    this.#metrics = metrics;
    metrics?.watch(name, () => this.#observation());
  }

  /** Keys that are ready and not yet taken. */
  get length(): number {
    return this.#ready.size;
  }

  /** Makes sure that the key will be worked on after this moment. Does nothing once the queue is shut down. */
  add(key: string): void {
    if (this.#isShutDown || this.#dirty.has(key)) return;
    this.#metrics?.added(this.#name);
    this.#dirty.set(key, performance.now());
    if (!this.#processing.has(key)) this.#offer(key);
  }

  /** Adds the key in `ms` milliseconds, or at once if not above 0. Of several for one key the earliest counts. */
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

  /** Adds the key after its backoff, and not before the overall bucket allows it. */
  addRateLimited(key: string): void {
    const failures = this.numRequeues(key);
    this.#failures.set(key, failures + 1);
    const backoffMs = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** failures);
    this.addAfter(key, Math.max(backoffMs, this.#bucket.reserve()));
  }

  /** The key is well again: its next failure starts with the shortest delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key was added by addRateLimited since it was last forgotten. */
  numRequeues(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; the worker must call done() with it. `undefined`: the queue is shut down and empty. */
  get(): Promise<string | undefined> {
    if (this.#ready.size > 0 || this.#isShutDown) return Promise.resolve(this.#take());
    return new Promise(resolve => this.#takers.push(resolve));
  }

  /** The worker has finished with the key, well or not. */
  done(key: string): void {
    const startedMs = this.#processing.get(key);
    if (startedMs === undefined) return;
    this.#processing.delete(key);
    this.#metrics?.finished(this.#name, (performance.now() - startedMs) / 1000);
    if (this.#dirty.has(key)) this.#offer(key);
    this.#settle();
  }

  /** No key is accepted any more, and those of addAfter are dropped; keys in line are still handed out. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#settle();
  }

  /**
   * As shutDown; resolves when every key in line was taken and done.
   * Differs from client-go: that waits only for the keys in work, and may return while keys are still in line.
   */
  shutDownWithDrain(): Promise<void> {
    return new Promise(resolve => {
      this.#drained.push(resolve);
      this.shutDown();
    });
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

  #settle(): void {
    if (!this.#isShutDown || this.#processing.size > 0 || this.#ready.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
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
