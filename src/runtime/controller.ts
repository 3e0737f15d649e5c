// Controller: takes the keys that watches request from a work queue and reconciles them, each key by one worker at a time.
//   Upstream: controller-runtime pkg/internal/controller, with the same results and metrics.
import { randomUUID } from 'node:crypto';
import type { Observable } from 'rxjs';
import type { Logger } from '../logging/logger.ts';
import { withFields } from '../logging/with-fields.ts';
import { TurnBudget } from '../time/turn-budget.ts';
import { LeaseLostError } from './leader-elector.ts';
import type { WorkQueue } from './work-queue.ts';

/**
 * What happens with a key after its reconcile: nothing until it is requested again (`{}`), another reconcile after a time (0: at once), or one
 * after its backoff. The backoff starts from its shortest delay after every result but `rateLimited`.
 */
export type Result = { readonly requeueAfterMs?: number } | { readonly requeue: 'rateLimited' };

/** Brings one object nearer to its desired state. A throw means: retry with backoff. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Result>;

/** A key that a watch wants reconciled. */
export interface Request {
  readonly key: string;
  /** Default: 0. */
  readonly afterMs?: number;
}

/** Receives what controllers measure. Upstream: controller-runtime pkg/internal/controller/metrics. */
export interface ControllerMetrics {
  /** Called once for each controller. */
  started(controller: string, maxConcurrentReconciles: number): void;
  /** A worker began a reconcile. */
  workerStarted(controller: string): void;
  /** A worker ended a reconcile, whatever its result. */
  workerFinished(controller: string): void;
  /** How a reconcile ended and how long it took. Not called for a reconcile that failed because the controller stops. */
  reconciled(controller: string, result: 'success' | 'requeue' | 'requeue_after' | 'error', seconds: number): void;
}

/** Options of a Controller. */
export interface ControllerOptions {
  /** The name of the controller in metrics. */
  readonly name: string;
  /** Subscribed to by `run`. A request may come at any time; the queue merges those of one key. */
  readonly requests: Observable<Request>;
  /** Belongs to this controller, which shuts it down. */
  readonly queue: WorkQueue;
  /** Called for one key at a time; for several keys at the same time. */
  readonly reconcile: Reconcile;
  /** Maximum concurrent reconciles. Workers are started when they are needed. */
  readonly concurrency: number;
  /** Receives each failed reconcile at `error`, and each finished one at `debug`, with the fields `key` and `reconcileID`. */
  readonly logger: Logger;
  /** Called for each reconcile that throws, after it was logged. */
  readonly onFailure?: ((key: string, error: unknown) => void) | undefined;
  /** Default: not measured. */
  readonly metrics?: ControllerMetrics | undefined;
}

/** Reconciles the keys that watches request. Upstream: controller-runtime's Controller. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #workers: Promise<void>[] = [];
  readonly #turns = new TurnBudget();
  #idle = 0;
  #isStopping = false;

  /** Does nothing before `run`. */
  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /**
   * Reconciles until `signal` aborts, then finishes the reconciles in progress and starts none of the keys that wait. Call it once.
   * Caches that `reconcile` reads must have synced before: an object that they lack would be taken not to exist.
   * @throws the error of `requests`, after the reconciles in progress have finished; never an error of `reconcile`
   */
  async run(signal: AbortSignal): Promise<void> {
    const { name, queue, requests, concurrency, metrics } = this.#options;
    const stop = () => {
      this.#isStopping = true;
      queue.shutDown();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let failure: { readonly error: unknown } | undefined;
    const subscription = requests.subscribe({
      next: ({ key, afterMs = 0 }) => (afterMs > 0 ? queue.addAfter(key, afterMs) : queue.add(key)),
      // Without its watches a controller would keep running and miss every change.
      error: error => {
        failure = { error };
        stop();
      },
    });
    metrics?.started(name, concurrency);
    this.#workers.push(this.#work(signal));
    // The list grows while it is walked through.
    for (const worker of this.#workers) await worker;
    signal.removeEventListener('abort', stop);
    subscription.unsubscribe();
    if (failure !== undefined) throw failure.error;
  }

  /** Ends when the queue is shut down. The worker that leaves no other one idle starts the next. */
  async #work(signal: AbortSignal): Promise<void> {
    const { queue, concurrency } = this.#options;
    for (;;) {
      this.#idle += 1;
      const key = await queue.get();
      this.#idle -= 1;
      if (key === undefined) return;
      if (this.#idle === 0 && this.#workers.length < concurrency) this.#workers.push(this.#work(signal));
      // Reconciles that wait for nothing would otherwise all run in one turn.
      while (this.#turns.isSpent) await this.#turns.nextTurn();
      // A queue that is shut down still has the keys that waited.
      if (this.#isStopping) queue.done(key);
      else await this.#process(key, signal);
    }
  }

  async #process(key: string, signal: AbortSignal): Promise<void> {
    const { queue, name, metrics } = this.#options;
    metrics?.workerStarted(name);
    await this.#reconcile(key, signal);
    metrics?.workerFinished(name);
    queue.done(key);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { name, queue, reconcile, onFailure, metrics } = this.#options;
    // All messages of one reconcile have the same id, as controller-runtime's have.
    const logger = withFields(this.#options.logger, { key, reconcileID: randomUUID() });
    const startedMs = performance.now();
    const report = (result: Parameters<ControllerMetrics['reconciled']>[1]) => {
      const seconds = (performance.now() - startedMs) / 1000;
      metrics?.reconciled(name, result, seconds);
      logger.debug('Reconciled', { result, seconds });
    };
    try {
      report(this.#requeue(key, await reconcile(key, signal)));
    } catch (error) {
      // The signal may abort only after a write has met the lost lease.
      if (signal.aborted || error instanceof LeaseLostError) return;
      report('error');
      logger.error('Reconcile failed', { error });
      onFailure?.(key, error);
      queue.addRateLimited(key);
    }
  }

  #requeue(key: string, result: Result): 'success' | 'requeue' | 'requeue_after' {
    const { queue } = this.#options;
    if ('requeue' in result) {
      queue.addRateLimited(key);
      return 'requeue';
    }
    queue.forget(key);
    if (result.requeueAfterMs === undefined) return 'success';
    queue.addAfter(key, result.requeueAfterMs);
    return 'requeue_after';
  }
}

/** The message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
