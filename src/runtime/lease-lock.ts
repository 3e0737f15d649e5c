// LeaseLock: the Lease that replicas compete for, as this replica last observed it.
//   Port of client-go v0.37.2 tools/leaderelection/resourcelock/leaselock.go and of the observation in leaderelection.go. Clocks of two
//   machines are never compared: a Lease has expired when this replica has seen it unchanged for its duration, on a monotonic clock.
import { isConflict, isNotFound } from '../kube/api-error.ts';
import type { CallOptions, KubeClient, KubeObject, ResourceType } from '../kube/client.ts';
import { microTime } from '../time/rfc3339.ts';

/** Who leads, and since when. Times are strings with microseconds, as the API server stores them. */
export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** The object that replicas compete for. Upstream: coordination/v1 Lease. */
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

export interface LeaseLockOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  /** Time limit of one request, in milliseconds. */
  readonly timeoutMs: number;
}

/** All methods throw as KubeClient does, without retries. */
export class LeaseLock {
  readonly #options: LeaseLockOptions;
  /** As last read or written. #observedAtMs is when this state was first seen. */
  #lease: Lease | undefined;
  #observedAtMs = 0;
  /** A write was interrupted and may have succeeded. */
  #isUncertain = false;

  constructor(options: LeaseLockOptions) {
    this.#options = options;
  }

  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** The holder when the Lease was last observed. */
  get holder(): string | undefined {
    const holder = this.#lease?.spec?.holderIdentity;
    return holder === '' ? undefined : holder;
  }

  get isOurs(): boolean {
    return this.holder === this.#options.identity;
  }

  get isHeldByAnother(): boolean {
    return this.holder !== undefined && !this.isOurs;
  }

  /** False also after its deletion. */
  get exists(): boolean {
    return this.#lease?.metadata?.resourceVersion !== undefined;
  }

  /** Whether it was seen to change within its duration, so that its holder is alive. */
  get isValid(): boolean {
    const durationMs = (this.#lease?.spec?.leaseDurationSeconds ?? 0) * 1000;
    return performance.now() - this.#observedAtMs < durationMs;
  }

  async observe(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    try {
      this.#see(await client.get(leaseType, { namespace, name }, this.#call(signal)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Differs from client-go, which takes a deleted Lease at once: its holder may still work, so it stays valid for its duration.
      this.#lease = this.#lease && { ...this.#lease, metadata: { namespace, name } };
    }
  }

  /** Acquires or renews it, if it has not changed since it was observed (by resourceVersion). @returns when the request was sent */
  async claim(signal: AbortSignal): Promise<number> {
    const sentAtMs = performance.now();
    this.#isUncertain = true;
    this.#see(await this.#write(this.#claimed(), signal));
    this.#isUncertain = false;
    return sentAtMs;
  }

  /** Releases it if this replica holds it, so that another one need not wait for it to expire. */
  async release(signal: AbortSignal): Promise<void> {
    if (this.#isUncertain) await this.observe(signal);
    const now = microTime();
    const released = { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    while (this.isOurs && this.exists) {
      try {
        this.#see(await this.#write(this.#withSpec(released), signal));
      } catch (error) {
        // An interrupted renewal may have succeeded, or the Lease was deleted.
        if (!isConflict(error) && !isNotFound(error)) throw error;
        await this.observe(signal);
      }
    }
  }

  #see(lease: Lease): void {
    if (JSON.stringify(lease.spec) !== JSON.stringify(this.#lease?.spec)) this.#observedAtMs = performance.now();
    this.#lease = lease;
  }

  #claimed(): Lease {
    const { identity, leaseDurationMs } = this.#options;
    const old = this.#lease?.spec;
    const now = microTime();
    const transitions = old === undefined ? 0 : (old.leaseTransitions ?? 0) + (this.isOurs ? 0 : 1);
    return this.#withSpec({
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      acquireTime: this.isOurs && old?.acquireTime !== undefined ? old.acquireTime : now,
      renewTime: now,
      leaseTransitions: transitions,
    });
  }

  /** Other fields stay as others wrote them. */
  #withSpec(spec: LeaseSpec): Lease {
    const { namespace, name } = this.#options;
    return { ...this.#lease, metadata: this.#lease?.metadata ?? { namespace, name }, spec: { ...this.#lease?.spec, ...spec } };
  }

  #write(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const { client } = this.#options;
    return this.exists
      ? client.replace(leaseType, lease, this.#call(signal))
      : client.create(leaseType, lease, this.#call(signal));
  }

  #call(signal: AbortSignal): CallOptions {
    return { signal, timeoutMs: this.#options.timeoutMs, maxTries: 1, isUnthrottled: true };
  }
}
