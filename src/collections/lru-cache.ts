// LruCache: a map of limited size that forgets what was used longest ago. Used by event-correlator.ts.
//   Semantics of k8s.io/utils/lru: reading and writing both count as use. A list beside the map, since moving an entry within a Map's own
//   order is a deletion and an insertion, and finding its first entry passes over all that were deleted.

interface Entry<V> {
  key: string;
  value: V;
  /** Used before this one; the newest for the oldest: the list is a ring. */
  older: Entry<V>;
  newer: Entry<V>;
}

/** At most `size` entries. Below 1 it keeps nothing. */
export class LruCache<V> {
  readonly #size: number;
  readonly #entries = new Map<string, Entry<V>>();
  #newest: Entry<V> | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#newest?.key === key ? this.#newest : this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#renew(entry);
    return entry.value;
  }

  set(key: string, value: V): void {
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
  reuse(key: string): V | undefined {
    return this.#newest === undefined || this.#entries.size < this.#size
      ? undefined
      : this.#moveOldestTo(key, this.#newest.newer).value;
  }

  /** What would be forgotten next. */
  get oldest(): { readonly key: string; readonly value: V } | undefined {
    return this.#newest?.newer;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    if (this.#newest === entry) this.#newest = entry.older === entry ? undefined : entry.older;
    unlink(entry);
  }

  #renew(entry: Entry<V>): void {
    if (this.#newest === entry || this.#newest === undefined) return;
    unlink(entry);
    link(entry, this.#newest);
    this.#newest = entry;
  }

  #moveOldestTo(key: string, oldest: Entry<V>): Entry<V> {
    this.#entries.delete(oldest.key);
    oldest.key = key;
    this.#entries.set(key, oldest);
    this.#newest = oldest;
    return oldest;
  }

  #add(key: string, value: V): void {
    const entry = { key, value } as Entry<V>;
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

function unlink<V>(entry: Entry<V>): void {
  entry.older.newer = entry.newer;
  entry.newer.older = entry.older;
}

/** Puts `entry` between the newest and the oldest. */
function link<V>(entry: Entry<V>, newest: Entry<V>): void {
  entry.older = newest;
  entry.newer = newest.newer;
  newest.newer.older = entry;
  newest.newer = entry;
}
