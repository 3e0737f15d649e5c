// LocalKeys: the different events of one group, oldest first. Used by event-correlator.ts and event-keys.ts.

/** A set of strings in the order in which they came. Most groups have one, for which no Set is made. */
export class LocalKeys {
  #first: string;
  #all: Set<string> | undefined;

  constructor(first: string) {
    this.#first = first;
  }

  /** As if made anew. */
  reset(first: string): void {
    this.#first = first;
    this.#all = undefined;
  }

  get size(): number {
    return this.#all?.size ?? 1;
  }

  add(key: string): void {
    if (this.#all !== undefined) this.#all.add(key);
    else if (key !== this.#first) this.#all = new Set([this.#first, key]);
  }

  deleteOldest(): void {
    this.#all ??= new Set([this.#first]);
    for (const oldest of this.#all) {
      this.#all.delete(oldest);
      return;
    }
  }
}

/** Similar events, which may become one. */
export interface EventGroup {
  readonly localKeys: LocalKeys;
  /** When the last of them happened; `-Infinity` if none did. */
  lastMs: number;
  /** What their aggregates are counted under; there once that was needed. */
  key: string | undefined;
}
