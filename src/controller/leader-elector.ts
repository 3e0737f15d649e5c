// LeaderElector: of several replicas one works at a time, the one that holds the Lease. Before it: main.ts. After it: controller.ts, which it starts.
//   Port of client-go v0.37.2 tools/leaderelection/leaderelection.go with resourcelock/leaselock.go. Clocks of two machines are never compared:
//   another's lease has expired when this replica has seen it unchanged for its duration, on a monotonic clock.
import { isConflict, isNotFound } from '../api-error.ts';
import { Deadline } from '../deadline.ts';
import type { KubeClient, KubeObject, ResourceType } from '../kube-client.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { sleep } from '../sleep.ts';

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export const leaseType: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface LeaderElectorOptions {
  /** Must not be under the write guard that asks this elector. */
  readonly client: KubeClient;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique among the replicas, also of one that was restarted. */
  readonly identity: string;
  /** How long the others wait before they take an unrenewed lease: 15 000 unless told. In whole seconds. */
  readonly leaseDurationMs?: number;
  /** After so long without a renewal the leader stops: 10 000 unless told. Below `leaseDurationMs`; the ratio is the difference of clock speeds that is borne. */
  readonly renewDeadlineMs?: number;
  /** 2 000 unless told. */
  readonly retryPeriodMs?: number;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
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

/** An unlucky replica waits up to so many retry periods more, so that they do not all ask at once. */
const jitterFactor = 1.2;

export class LeaderElector {
  readonly #options: Omit<LeaderElectorOptions, 'random'> & {
    leaseDurationMs: number;
    renewDeadlineMs: number;
    retryPeriodMs: number;
    random: () => number;
  };
  readonly #logger: Logger;
  /** As last read or written, and when it was first seen so. */
  #lease: Lease | undefined;
  #observedAtMs = 0;
  #reportedLeader: string | undefined;
  /** When the last renewal that worked was sent; the lease is ours at least until this plus its duration. */
  #renewedAtMs: number | undefined;

  constructor(options: LeaderElectorOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000, random = Math.random } = options;
    if (leaseDurationMs <= renewDeadlineMs) throw new RangeError('leaseDurationMs must be above renewDeadlineMs');
    if (renewDeadlineMs <= retryPeriodMs * jitterFactor)
      throw new RangeError(`renewDeadlineMs must be above ${jitterFactor} times retryPeriodMs`);
    this.#options = { ...options, leaseDurationMs, renewDeadlineMs, retryPeriodMs, random };
    this.#logger = options.logger.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
    options.metrics?.leaderElection.leads(options.name, false);
  }

  /** Who held the lease when it was last seen. */
  get leader(): string | undefined {
    const holder = this.#lease?.spec?.holderIdentity;
    return holder === '' ? undefined : holder;
  }

  /** By the clock, at this very moment: also right before any timer has fired, as after the process was frozen. */
  get isLeading(): boolean {
    return this.#renewedAtMs !== undefined && performance.now() - this.#renewedAtMs < this.#options.renewDeadlineMs;
  }

  /** @throws LeaseLostError unless `isLeading`. For KubeClient.withWriteGuard. */
  assertLeading(): void {
    if (!this.isLeading) throw new LeaseLostError(`lease ${this.#options.namespace}/${this.#options.name} is not held`);
  }

  /**
   * Waits for the lease, then calls `lead`. Its signal aborts when `signal` does (then the lease is still renewed until `lead` is
   * done, and released after that) and when the lease is lost (then another may lead already). Resolves when `lead` did, or when `signal` aborted first.
   * @throws LeaseLostError after `lead` is done, if the lease was lost; or what `lead` throws, after the release
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    const stopLeading = new AbortController();
    const stopRenewing = new AbortController();
    const onStop = () => stopLeading.abort(signal.reason);
    if (isAborted(signal)) onStop();
    else signal.addEventListener('abort', onStop, { once: true });
    const lost = this.#renew(stopRenewing.signal).then(error => {
      if (error !== undefined) stopLeading.abort(error);
      return error;
    });
    try {
      await lead(stopLeading.signal);
    } finally {
      signal.removeEventListener('abort', onStop);
      stopRenewing.abort();
      if ((await lost) === undefined) await this.#release();
      this.#stopped();
    }
    const error = await lost;
    if (error !== undefined) throw error;
  }

  #stopped(): void {
    this.#renewedAtMs = undefined;
    this.#options.metrics?.leaderElection.leads(this.#options.name, false);
    this.#logger.info('Stopped leading');
    if (this.#lease !== undefined) this.#options.onTransition?.('stopped leading', this.#lease);
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { retryPeriodMs, random, name, metrics, onTransition } = this.#options;
    this.#logger.info('Waiting for the lease');
    while (!signal.aborted) {
      if (await this.#tryAcquireOrRenew(signal)) {
        this.#logger.info('Became leader');
        metrics?.leaderElection.leads(name, true);
        if (this.#lease !== undefined) onTransition?.('became leader', this.#lease);
        return true;
      }
      await sleep(retryPeriodMs * (1 + random() * jitterFactor), signal).catch(() => undefined);
    }
    return false;
  }

  /** Until the signal aborts (then `undefined`), or the lease is lost. */
  async #renew(signal: AbortSignal): Promise<LeaseLostError | undefined> {
    const { renewDeadlineMs, retryPeriodMs, metrics, name } = this.#options;
    const deadline = new Deadline(renewDeadlineMs, signal);
    try {
      while (!deadline.signal.aborted) {
        await sleep(retryPeriodMs, deadline.signal);
        const sentAtMs = performance.now();
        if (await this.#tryAcquireOrRenew(deadline.signal)) deadline.extend(renewDeadlineMs - (performance.now() - sentAtMs));
        else if (this.leader !== this.#options.identity) break;
      }
    } catch {
      // The deadline's signal: below.
    } finally {
      deadline.clear();
    }
    if (signal.aborted) return undefined;
    this.#renewedAtMs = undefined;
    metrics?.leaderElection.leads(name, false);
    const error = new LeaseLostError(
      this.leader === this.#options.identity
        ? `the lease was not renewed within ${renewDeadlineMs} ms`
        : `the lease is held by ${this.leader ?? 'nobody'}`,
    );
    this.#logger.error('Lost the lease', { error });
    return error;
  }

  /** True if the lease is ours now. Never throws: what goes wrong is logged, and the next try may do. */
  async #tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { identity } = this.#options;
    const sentAtMs = performance.now();
    try {
      // Who leads need not read first: the resourceVersion decides.
      if (this.leader !== identity || !this.#isValid()) {
        await this.#observe(signal);
        if (this.leader !== undefined && this.leader !== identity && this.#isValid()) return false;
      }
      this.#see(await this.#write(this.#claimed(), signal));
      this.#renewedAtMs = sentAtMs;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#logger.warn('The lease could not be written', { error });
      // Somebody else wrote it: only reading tells who.
      if (isConflict(error)) await this.#observe(signal).catch(() => undefined);
      return false;
    }
  }

  async #observe(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    try {
      this.#see(await client.get(leaseType, { namespace, name }, this.#call(signal)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#lease = undefined;
    }
  }

  #see(lease: Lease): void {
    if (JSON.stringify(lease.spec) !== JSON.stringify(this.#lease?.spec)) this.#observedAtMs = performance.now();
    this.#lease = lease;
    if (this.leader === undefined || this.leader === this.#reportedLeader) return;
    this.#reportedLeader = this.leader;
    this.#options.onNewLeader?.(this.leader);
  }

  #isValid(): boolean {
    const durationMs = (this.#lease?.spec?.leaseDurationSeconds ?? 0) * 1000;
    return performance.now() - this.#observedAtMs < durationMs;
  }

  #claimed(): Lease {
    const { identity, leaseDurationMs } = this.#options;
    const old = this.#lease?.spec;
    const now = microTime();
    const isOurs = old?.holderIdentity === identity;
    return this.#withSpec({
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: isOurs && old.acquireTime !== undefined ? old.acquireTime : now,
      renewTime: now,
      leaseTransitions: (old?.leaseTransitions ?? (old === undefined ? -1 : 0)) + (isOurs ? 0 : 1),
    });
  }

  #withSpec(spec: LeaseSpec): Lease {
    const { namespace, name } = this.#options;
    return { ...this.#lease, metadata: this.#lease?.metadata ?? { namespace, name }, spec: { ...this.#lease?.spec, ...spec } };
  }

  #write(lease: Lease, signal?: AbortSignal): Promise<Lease> {
    const { client } = this.#options;
    const isNew = lease.metadata?.resourceVersion === undefined;
    return isNew ? client.create(leaseType, lease, this.#call(signal)) : client.replace(leaseType, lease, this.#call(signal));
  }

  #call(signal?: AbortSignal) {
    return { signal, timeoutMs: this.#options.renewDeadlineMs / 2, maxTries: 1, isUnthrottled: true };
  }

  /** So that another replica need not wait for the lease to expire. */
  async #release(): Promise<void> {
    const now = microTime();
    for (let tries = 0; tries < 2 && this.leader === this.#options.identity; tries += 1) {
      try {
        const released = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
        this.#lease = await this.#write(this.#withSpec(released));
        return;
      } catch (error) {
        this.#logger.warn('The lease could not be released', { error });
        // A renewal that was cut off may have arrived all the same.
        await this.#observe(new AbortController().signal).catch(() => undefined);
      }
    }
  }
}

/** RFC 3339 with six digits, which the API server wants here. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
