// LruCache: a map of limited size that forgets what was used longest ago. Used by event-correlator.ts.
//   Semantics of k8s.io/utils/lru: reading and writing both count as use.

/** At most `size` entries, over the insertion order of a Map. Below 1 it keeps nothing. */
export class LruCache<V> {
  readonly #size: number;
  readonly #entries = new Map<string, V>();
  /** The entry used last, which needs no moving. */
  #newest: string | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined && key !== this.#newest) this.#renew(key, value);
    return value;
  }

  set(key: string, value: V): void {
    if (key === this.#newest) {
      this.#entries.set(key, value);
      return;
    }
    this.#renew(key, value);
    if (this.#entries.size <= this.#size) return;
    for (const oldest of this.#entries.keys()) {
      this.delete(oldest);
      break;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
    if (key === this.#newest) this.#newest = undefined;
  }

  #renew(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newest = key;
  }
}
