// LocalKeys: the different events of a group, oldest first. Most groups have one event, and a Set for each would cost too much memory and time.

export class LocalKeys {
  #first: string | undefined;
  /** There once a second key has been added; then it has all of them. */
  #all: Set<string> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#first === undefined ? 0 : 1);
  }

  add(key: string): void {
    if (this.#all !== undefined) this.#all.add(key);
    else if (this.#first === undefined) this.#first = key;
    else if (this.#first !== key) this.#all = new Set([this.#first, key]);
  }

  deleteOldest(): void {
    this.#first = undefined;
    for (const oldest of this.#all ?? []) {
      this.#all?.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#first = undefined;
    this.#all = undefined;
  }
}
