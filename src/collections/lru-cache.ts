// LruCache: a map of limited size that forgets the entry that has not been used for longest.
//   Semantics of k8s.io/utils/lru: reading and writing both count as use. A list beside the map keeps the order: in a Map's own order a move is
//   a deletion and an insertion, and finding the first entry passes over all that were deleted.

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

  /** @returns the value that is forgotten for it */
  set(key: string, value: V): V | undefined {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.#renew(known);
      return undefined;
    }
    if (this.#entries.size < this.#size) {
      this.#add(key, value);
      return undefined;
    }
    if (this.#newest === undefined) return undefined;
    const reused = this.#moveOldestTo(key, this.#newest);
    const { value: forgotten } = reused;
    reused.value = value;
    return forgotten;
  }

  /**
   * The value of `key`; if there is none, what `create` returns, which is kept.
   * @param create receives the value that is forgotten for it, if there is one, and may return that to use it again: a value that replaces an
   * old one costs the garbage collector more
   */
  getOrCreate(key: string, create: (forgotten: V | undefined) => V): V {
    const entry = this.#newest?.key === key ? this.#newest : this.#entries.get(key);
    if (entry !== undefined) {
      this.#renew(entry);
      return entry.value;
    }
    if (this.#entries.size >= this.#size && this.#newest !== undefined) {
      const reused = this.#moveOldestTo(key, this.#newest);
      reused.value = create(reused.value);
      return reused.value;
    }
    const value = create(undefined);
    if (this.#entries.size < this.#size) this.#add(key, value);
    return value;
  }

  /** The entry that would be forgotten next. */
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

  /** Uses the entry again: a new one would be an old object for the garbage collector soon. */
  #moveOldestTo(key: string, newest: Entry<V>): Entry<V> {
    const oldest = newest.newer;
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
