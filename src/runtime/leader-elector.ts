// LeaderElector: of several replicas one works at a time, the one that holds the Lease. Before it: main.ts. After it: controller.ts, which
//   it starts; lease-lock.ts has the Lease itself. Port of client-go v0.37.2 tools/leaderelection/leaderelection.go.
import { Deadline } from '../time/deadline.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../logging/logger.ts';
import { sleep } from '../time/sleep.ts';
import { type Lease, LeaseLock } from './lease-lock.ts';

/** Receives what an elector measures. Upstream: client-go tools/leaderelection MetricsProvider. */
export interface ElectionMetrics {
  /** Whether this replica leads now, under the name of the Lease. */
  leads(name: string, isLeader: boolean): void;
}

export interface LeaderElectorOptions {
  /** Must not be under the write guard that asks this elector. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique among the replicas, also of one that was restarted. */
  readonly identity: string;
  /** How long the others wait before they take an unrenewed lease, in whole seconds: 15 000 unless told. */
  readonly leaseDurationMs?: number;
  /** After so long without a renewal the leader stops: 10 000 unless told. What `leaseDurationMs` is more bears clocks of different speed. */
  readonly renewDeadlineMs?: number;
  /** 2 000 unless told. */
  readonly retryPeriodMs?: number;
  readonly logger: Logger;
  readonly metrics?: ElectionMetrics | undefined;
  readonly random?: (() => number) | undefined;
  /** Another leader than before was seen, possibly this one. Called once for each. */
  readonly onNewLeader?: ((identity: string) => void) | undefined;
  /** For an event on the Lease. */
  readonly onTransition?: ((what: 'became leader' | 'stopped leading', lease: Lease) => void) | undefined;
}

/** The lease could not be renewed in time, or another replica has it. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** A replica waits up to so many retry periods more, so that they do not all ask at once. */
const jitterFactor = 1.2;
/** For giving the lease back at the end: longer than a healthy API server takes, shorter than anybody likes to wait for an exit. */
const releaseTimeoutMs = 2_000;

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #leaseDurationMs: number;
  readonly #logger: Logger;
  readonly #lock: LeaseLock;
  #reportedLeader: string | undefined;
  /** When the last renewal that worked was sent. Undefined = not leading. */
  #renewedAtMs: number | undefined;
  /** The same, until leading has stopped: also when the lease is lost and the work goes on. */
  #heldAtMs: number | undefined;

  /** @throws RangeError unless leaseDurationMs > renewDeadlineMs > 1.2 × retryPeriodMs, as upstream */
  constructor(options: LeaderElectorOptions) {
    const {
      client,
      namespace,
      name,
      identity,
      leaseDurationMs = 15_000,
      renewDeadlineMs = 10_000,
      retryPeriodMs = 2_000,
    } = options;
    if (leaseDurationMs <= renewDeadlineMs) throw new RangeError('leaseDurationMs must be above renewDeadlineMs');
    if (renewDeadlineMs <= retryPeriodMs * jitterFactor)
      throw new RangeError(`renewDeadlineMs must be above ${jitterFactor} times retryPeriodMs`);
    if (identity === '') throw new RangeError('identity must not be empty');
    this.#options = options;
    this.#leaseDurationMs = leaseDurationMs;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#retryPeriodMs = retryPeriodMs;
    this.#lock = new LeaseLock({ client, namespace, name, identity, leaseDurationMs, timeoutMs: renewDeadlineMs / 2 });
    this.#logger = options.logger.child({ lease: `${namespace}/${name}`, identity });
    options.metrics?.leads(name, false);
  }

  /** Who held the lease when it was last seen. */
  get leader(): string | undefined {
    return this.#lock.holder;
  }

  /**
   * By the clock, at this very moment: also right before any timer has fired, as after the process was frozen. False while a lease
   * that somebody deleted or emptied is not ours again: a replica that knows nothing of us may take it.
   */
  get isLeading(): boolean {
    return this.#isInTime && this.#lock.exists && this.#lock.isOurs;
  }

  get #isInTime(): boolean {
    return this.#renewedAtMs !== undefined && performance.now() - this.#renewedAtMs < this.#renewDeadlineMs;
  }

  /**
   * For KubeClient.withWriteGuard.
   * @throws LeaseLostError if the lease is lost; another Error if it is not ours at the moment, and it is worth to try again
   */
  assertLeading(): void {
    if (this.isLeading) return;
    const lease = `lease ${this.#options.namespace}/${this.#options.name}`;
    throw this.#isInTime
      ? new Error(`${lease} is gone and has yet to be taken anew`)
      : new LeaseLostError(`${lease} is not held`);
  }

  /** What is wrong, for /healthz: this replica has neither renewed nor stopped for far too long. Else `undefined`. */
  healthCheck(): string | undefined {
    const sinceMs = this.#heldAtMs === undefined ? 0 : performance.now() - this.#heldAtMs;
    return sinceMs > 2 * this.#leaseDurationMs ? `the lease was last renewed ${Math.round(sinceMs / 1000)} s ago` : undefined;
  }

  /**
   * Waits for the lease, then calls `lead`. Its signal aborts when `signal` does, and when the lease is lost. Resolves when `lead` is
   * done and the lease given back, or when `signal` aborts first.
   * Differs from client-go: the lease is still renewed while `lead` finishes its work; Go gives it back at once, and for a moment there are two.
   * @throws LeaseLostError after `lead` is done, if the lease was lost; or what `lead` throws, after the release
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!(await this.#acquire(signal))) {
      await this.#release();
      return;
    }
    const leading = new AbortController();
    const stopRenewing = new AbortController();
    const onStop = () => leading.abort(signal.reason);
    if (isAborted(signal)) onStop();
    else signal.addEventListener('abort', onStop, { once: true });
    const renewal = this.#renew(stopRenewing.signal).then(lost => {
      if (lost !== undefined) leading.abort(lost);
      return lost;
    });
    let lost: LeaseLostError | undefined;
    try {
      await lead(leading.signal);
    } finally {
      signal.removeEventListener('abort', onStop);
      stopRenewing.abort();
      lost = await renewal;
      await this.#stopLeading(lost === undefined);
    }
    if (lost !== undefined) throw lost;
  }

  async #stopLeading(stillHolds: boolean): Promise<void> {
    const { metrics, name, onTransition } = this.#options;
    this.#renewedAtMs = undefined;
    this.#heldAtMs = undefined;
    metrics?.leads(name, false);
    if (stillHolds) await this.#release();
    this.#logger.info('Stopped leading');
    if (this.#lock.lease !== undefined) onTransition?.('stopped leading', this.#lock.lease);
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { random = Math.random, name, metrics, onTransition } = this.#options;
    this.#logger.info('Waiting for the lease');
    while (!signal.aborted) {
      if (await this.#tryAcquireOrRenew(signal)) {
        this.#logger.info('Became leader');
        metrics?.leads(name, true);
        if (this.#lock.lease !== undefined) onTransition?.('became leader', this.#lock.lease);
        return true;
      }
      await sleep(this.#retryPeriodMs * (1 + random() * jitterFactor), signal).catch(() => undefined);
    }
    return false;
  }

  /** Until the signal aborts (then `undefined`), or the lease is lost. */
  async #renew(signal: AbortSignal): Promise<LeaseLostError | undefined> {
    const { metrics, name } = this.#options;
    const deadline = new Deadline(undefined, signal);
    try {
      do {
        deadline.extend(this.#renewDeadlineMs - (performance.now() - (this.#renewedAtMs ?? 0)));
        await sleep(this.#retryPeriodMs, deadline.signal);
        await this.#tryAcquireOrRenew(deadline.signal);
      } while (!this.#lock.isAnothers);
    } catch {
      // Only the deadline's signal ends a sleep.
    } finally {
      deadline.clear();
    }
    if (signal.aborted) return undefined;
    this.#renewedAtMs = undefined;
    metrics?.leads(name, false);
    const why = this.#lock.isAnothers ? `held by ${this.leader ?? ''}` : `not renewed within ${this.#renewDeadlineMs} ms`;
    const error = new LeaseLostError(`lease ${this.#options.namespace}/${name} is ${why}`);
    this.#logger.error('Lost the lease', { error });
    return error;
  }

  /** True if the lease is ours now. Never throws: what goes wrong is logged, and the next try may do. */
  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#lock.isOurs && this.#lock.isValid && (await this.#claimUnread(signal))) return true;
      await this.#lock.observe(signal);
      if (this.#lock.isAnothers && this.#lock.isValid) return false;
      await this.#claim(signal);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#logger.warn('The lease could not be taken or renewed', { error });
      return false;
    } finally {
      this.#reportLeader();
    }
  }

  /** The one request of a renewal when all is well. */
  async #claimUnread(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#claim(signal);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#logger.debug('The lease could not be renewed unread', { error });
      return false;
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    this.#renewedAtMs = await this.#lock.claim(signal);
    this.#heldAtMs = this.#renewedAtMs;
  }

  #reportLeader(): void {
    const { leader } = this;
    if (leader === undefined || leader === this.#reportedLeader) return;
    this.#reportedLeader = leader;
    this.#options.onNewLeader?.(leader);
  }

  async #release(): Promise<void> {
    const deadline = new Deadline(releaseTimeoutMs);
    try {
      await this.#lock.release(deadline.signal);
    } catch (error) {
      this.#logger.warn('The lease could not be released', { error });
    } finally {
      deadline.clear();
    }
  }
}

/** Asked again after an await: the compiler takes it for what it was before. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
