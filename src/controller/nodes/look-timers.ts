// The two timers of a watched network: when all its nodes are asked next, and when those are that lack the newest block.
export class LookTimers {
  #all: NodeJS.Timeout | undefined;
  #stragglers: NodeJS.Timeout | undefined;

  /** Replaces the time at which all nodes are asked. */
  setAll(callback: () => void, ms: number): void {
    clearTimeout(this.#all);
    this.#all = setTimeout(callback, ms);
  }

  /** Whether a time is set at which stragglers are asked. */
  get isHurrying(): boolean {
    return this.#stragglers !== undefined;
  }

  setStragglers(callback: () => void, ms: number): void {
    clearTimeout(this.#stragglers);
    this.#stragglers = setTimeout(() => {
      this.#stragglers = undefined;
      callback();
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#all);
    clearTimeout(this.#stragglers);
    this.#stragglers = undefined;
  }
}
