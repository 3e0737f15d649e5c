// LruCache: a map of limited size that forgets what was used longest ago. Used by event-correlator.ts.
//   Semantics of k8s.io/utils/lru: reading and writing both count as use. A list beside the map, since moving an entry within a Map's own
//   order is a deletion and an insertion, and finding its first entry passes over all that were deleted.

interface Entry<V, K> {
  key: K;
  value: V;
  /** Used before this one; the newest for the oldest: the list is a ring. */
  older: Entry<V, K>;
  newer: Entry<V, K>;
}

/** At most `size` entries. Below 1 it keeps nothing. */
export class LruCache<V, K = string> {
  readonly #size: number;
  readonly #entries = new Map<K, Entry<V, K>>();
  #newest: Entry<V, K> | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#newest?.key === key ? this.#newest : this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#renew(entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.#renew(known);
    } else if (this.#entries.size < this.#size) {
      this.#add(key, value);
    } else if (this.#newest !== undefined) {
      this.#moveOldestTo(key, this.#newest.newer).value = value;
    }
  }

  /**
   * If the cache is full: puts the value that would be forgotten under `key`, which must not be there, to be filled anew. What is thrown
   * away instead would have grown old in memory, and would keep younger values from being collected cheaply.
   */
  reuse(key: K): V | undefined {
    return this.#newest === undefined || this.#entries.size < this.#size
      ? undefined
      : this.#moveOldestTo(key, this.#newest.newer).value;
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    if (this.#newest === entry) this.#newest = entry.older === entry ? undefined : entry.older;
    unlink(entry);
  }

  #renew(entry: Entry<V, K>): void {
    if (this.#newest === entry || this.#newest === undefined) return;
    unlink(entry);
    link(entry, this.#newest);
    this.#newest = entry;
  }

  #moveOldestTo(key: K, oldest: Entry<V, K>): Entry<V, K> {
    this.#entries.delete(oldest.key);
    oldest.key = key;
    this.#entries.set(key, oldest);
    this.#newest = oldest;
    return oldest;
  }

  #add(key: K, value: V): void {
    const entry = { key, value } as Entry<V, K>;
    if (this.#newest === undefined) {
      entry.older = entry;
      entry.newer = entry;
    } else {
      link(entry, this.#newest);
    }
    this.#entries.set(key, entry);
    this.#newest = entry;
  }
}

function unlink<V, K>(entry: Entry<V, K>): void {
  entry.older.newer = entry.newer;
  entry.newer.older = entry.older;
}

/** Puts `entry` between the newest and the oldest. */
function link<V, K>(entry: Entry<V, K>, newest: Entry<V, K>): void {
  entry.older = newest;
  entry.newer = newest.newer;
  newest.newer.older = entry;
  newest.newer = entry;
}
