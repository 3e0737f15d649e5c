// MutationCache: the last write of an object, until the informer has seen it. A reconcile that starts in between acts on the newest
//   state, so that nothing is written or reported twice. Upstream: client-go tools/cache/mutation_cache.go.
import type { KubeObject } from '../kube/resource.ts';

/** Longer than a connected informer lags. A write that the informer never sees, since the object was deleted meanwhile, counts no longer. */
const maxAgeMs = 30_000;

/** The last write of one object, until the informer has seen it, or for 30 s. Upstream: cache.MutationCache. */
export class MutationCache<T extends KubeObject> {
  readonly #transform: (object: T) => T;
  #write: { readonly object: T; readonly atMs: number } | undefined;

  /**
   * @param transform as that of the informer. The answer to a write is the whole object, with whatever others have written into it.
   * Default: keeps the object as it is
   */
  constructor(transform: (object: T) => T = object => object) {
    this.#transform = transform;
  }

  /** Call with the answer of every successful write. */
  remember(object: T): void {
    this.#write = { object: this.#transform(object), atMs: performance.now() };
  }

  /** Call when the informer saw the object deleted. */
  forget(): void {
    this.#write = undefined;
  }

  /** The newer one of the cached object and the last write, also when one of the two is another object of the same name. */
  newest(cached: T | undefined): T | undefined {
    if (this.#write === undefined) return cached;
    const { object, atMs } = this.#write;
    const hasCaughtUp = cached !== undefined && revision(cached) >= revision(object);
    if (!hasCaughtUp && performance.now() - atMs < maxAgeMs) return object;
    this.#write = undefined;
    return cached;
  }
}

/** Resource versions of one resource are comparable numbers (guaranteed since Kubernetes 1.35, true before). */
const revision = ({ metadata }: KubeObject): bigint => BigInt(metadata?.resourceVersion ?? 0);
