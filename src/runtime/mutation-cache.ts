// What the controller wrote a moment ago, until its informer has seen it: so that a reconcile which starts in between acts on
// what is, and no event is told twice. Before it: apply.ts and the status patch. After it: reconcile.ts reads through it.
import type { KubernetesObject } from '@kubernetes/client-node';

/** Longer than an informer that is connected lags; a write that was lost to the cache counts no longer than this. */
const maxAgeMs = 30_000;

export class LatestWrites<T extends KubernetesObject> {
  // Written objects by key, with the time of the write; gone as soon as the cache has caught up.
  readonly #writes = new Map<string, { readonly object: T; readonly atMs: number }>();

  /** Call with the answer of every successful write. */
  remember(key: string, object: T): void {
    this.#writes.set(key, { object, atMs: performance.now() });
  }

  /** Call when the informer saw the object deleted, or its owner is gone. */
  forget(key: string): void {
    this.#writes.delete(key);
  }

  /** The newer one of the cached object and what was written last, also when one of the two is another object of the same name. */
  newest(key: string, cached: T | undefined): T | undefined {
    const write = this.#writes.get(key);
    if (write === undefined) return cached;
    const isCaughtUp = cached !== undefined && revision(cached) >= revision(write.object);
    if (!isCaughtUp && performance.now() - write.atMs < maxAgeMs) return write.object;
    this.#writes.delete(key);
    return cached;
  }
}

/** Resource versions of one resource are comparable numbers (guaranteed since Kubernetes 1.35, true before). */
const revision = ({ metadata }: KubernetesObject): bigint => BigInt(metadata?.resourceVersion ?? 0);
