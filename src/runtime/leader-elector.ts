// LeaderElector: of several replicas only the one that holds the Lease works. Port of client-go v0.37.2 tools/leaderelection/leaderelection.go.
import { Deadline } from '../time/deadline.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../logging/logger.ts';
import { withFields } from '../logging/with-fields.ts';
import { isAborted, sleep } from '../time/sleep.ts';
import { type Lease, LeaseLock } from './lease-lock.ts';

/** Receives what an elector measures. Upstream: client-go tools/leaderelection MetricsProvider. */
export interface ElectionMetrics {
  /** Whether this replica leads now, under the name of the Lease. */
  leads(name: string, isLeader: boolean): void;
}

/** Options of a LeaderElector. The three times are those of client-go. */
export interface LeaderElectorOptions {
  /** Must not have a write guard that depends on this elector. */
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** Namespace of the Lease. */
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unique for each replica and each start of it. */
  readonly identity: string;
  /** Milliseconds that other replicas wait before they take over an unrenewed Lease; rounded up to whole seconds. Default: 15 000. */
  readonly leaseDurationMs?: number;
  /** Milliseconds without a renewal after which the leader stops. The margin to leaseDurationMs tolerates clocks that run at different rates. Default: 10 000. */
  readonly renewDeadlineMs?: number;
  /** Milliseconds between renewals, and between attempts to acquire the Lease. Default: 2 000. */
  readonly retryPeriodMs?: number;
  readonly logger: Logger;
  readonly metrics?: ElectionMetrics | undefined;
  /** For jitter: a number from 0 to below 1. Default: Math.random. */
  readonly random?: (() => number) | undefined;
  /** Called once for each new leader that is observed, which may be this replica. */
  readonly onNewLeader?: ((identity: string) => void) | undefined;
  /** Called when this replica becomes leader and when it stops leading: for an event on the Lease. */
  readonly onTransition?: ((what: 'became leader' | 'stopped leading', lease: Lease) => void) | undefined;
}

/** The Lease could not be renewed in time, or another replica holds it. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** Up to this many retry periods are added at random, so that replicas do not all send requests at once. */
const jitterFactor = 1.2;
/** Time limit of the release at the end: longer than a healthy API server takes, short enough for an exit. */
const releaseTimeoutMs = 2_000;

/** Guarantees one leader at a time if every write passes assertLeading() as the client's write guard. */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #leaseDurationMs: number;
  readonly #logger: Logger;
  readonly #lock: LeaseLock;
  #reportedLeader: string | undefined;
  /** When the last successful renewal was sent. Undefined: not leading. */
  #renewedAtMs: number | undefined;
  /** The same, but kept after the Lease is lost until the work has stopped. */
  #heldAtMs: number | undefined;

  /** @throws RangeError unless leaseDurationMs > renewDeadlineMs > 1.2 × retryPeriodMs, as upstream, and for an empty identity */
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
    this.#logger = withFields(options.logger, { lease: `${namespace}/${name}`, identity });
    options.metrics?.leads(name, false);
  }

  /** The holder of the Lease when it was last observed. */
  get leader(): string | undefined {
    return this.#lock.holder;
  }

  /**
   * Whether this replica leads at this moment. Computed from the clock, so it is right even before any timer has fired, as after the
   * process was frozen. False while a deleted or emptied Lease has not been acquired again: another replica may take it.
   */
  get isLeading(): boolean {
    return this.#isInTime && this.#lock.exists && this.#lock.isOurs;
  }

  get #isInTime(): boolean {
    return this.#renewedAtMs !== undefined && performance.now() - this.#renewedAtMs < this.#renewDeadlineMs;
  }

  /**
   * For how many more milliseconds this replica leads, even if it cannot renew the Lease; 0 if it does not lead. Ask before work outside of
   * the API server that no other replica may do at the same time, and do it only if it cannot take longer.
   */
  get heldForMs(): number {
    return this.isLeading ? Math.max(0, (this.#renewedAtMs ?? 0) + this.#renewDeadlineMs - performance.now()) : 0;
  }

  /**
   * The guard for KubeClient.withWriteGuard.
   * @throws LeaseLostError if the Lease is lost; another Error, which may be retried, if it was deleted and not acquired again yet
   */
  assertLeading(): void {
    if (this.isLeading) return;
    const lease = `lease ${this.#options.namespace}/${this.#options.name}`;
    throw this.#isInTime
      ? new Error(`${lease} was deleted and has not been acquired again yet`)
      : new LeaseLostError(`${lease} is not held`);
  }

  /** For /healthz: a message if this replica has neither renewed the Lease nor stopped for twice its duration. Otherwise `undefined`. */
  readonly healthCheck = (): string | undefined => {
    const sinceMs = this.#heldAtMs === undefined ? 0 : performance.now() - this.#heldAtMs;
    return sinceMs > 2 * this.#leaseDurationMs ? `the lease was last renewed ${Math.round(sinceMs / 1000)} s ago` : undefined;
  };

  /**
   * Waits for the Lease, then calls `lead` with a signal that aborts when `signal` does and when the Lease is lost. Resolves when
   * `lead` has finished and the Lease is released, or when `signal` aborts before.
   * Differs from client-go: the Lease is renewed while `lead` finishes its work; client-go releases it first, so that two may work.
   * @throws LeaseLostError after `lead` has finished, if the Lease was lost; or what `lead` throws, after the release
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

  /** Renews until the signal aborts (then `undefined`) or the Lease is lost. */
  async #renew(signal: AbortSignal): Promise<LeaseLostError | undefined> {
    const { metrics, name } = this.#options;
    const deadline = new Deadline(undefined, signal);
    try {
      do {
        deadline.extend(this.#renewDeadlineMs - (performance.now() - (this.#renewedAtMs ?? 0)));
        await sleep(this.#retryPeriodMs, deadline.signal);
        await this.#tryAcquireOrRenew(deadline.signal);
      } while (!this.#lock.isHeldByAnother);
    } catch {
      // Only the deadline's signal ends a sleep early.
    } finally {
      deadline.clear();
    }
    if (signal.aborted) return undefined;
    this.#renewedAtMs = undefined;
    metrics?.leads(name, false);
    const why = this.#lock.isHeldByAnother ? `held by ${this.leader ?? ''}` : `not renewed within ${this.#renewDeadlineMs} ms`;
    const error = new LeaseLostError(`lease ${this.#options.namespace}/${name} is ${why}`);
    this.#logger.error('Lost the lease', { error });
    return error;
  }

  /** Returns whether this replica holds the Lease now. Never throws: a failure is logged and retried. */
  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#lock.isOurs && this.#lock.isValid && (await this.#claimUnread(signal))) return true;
      await this.#lock.observe(signal);
      if (this.#lock.isHeldByAnother && this.#lock.isValid) return false;
      await this.#claim(signal);
      return true;
    } catch (error) {
      if (!signal.aborted) this.#logger.warn('Failed to acquire or renew the lease', { error });
      return false;
    } finally {
      this.#reportLeader();
    }
  }

  /** Renews without reading first: the only request of a renewal in the normal case. */
  async #claimUnread(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#claim(signal);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#logger.debug('Failed to renew the lease without reading it', { error });
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
      this.#logger.warn('Failed to release the lease', { error });
    } finally {
      deadline.clear();
    }
  }
}
