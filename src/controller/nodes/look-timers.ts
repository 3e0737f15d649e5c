// The two timers of a watched network: when all its nodes are asked next, and when those are that lack the newest block.
export class LookTimers {
  #all: NodeJS.Timeout | undefined;
  /** When all are asked next; monotonic milliseconds. */
  #allAtMs = Infinity;
  #stragglers: NodeJS.Timeout | undefined;

  /**
   * Replaces the time at which all nodes are asked.
   * @param keepsEarlier an earlier time stays: a network that changes again and again is asked all the same
   */
  setAll(callback: () => void, ms: number, keepsEarlier: boolean): void {
    const nowMs = performance.now();
    const leftMs = keepsEarlier ? Math.max(0, Math.min(ms, this.#allAtMs - nowMs)) : ms;
    clearTimeout(this.#all);
    this.#allAtMs = nowMs + leftMs;
    this.#all = setTimeout(() => {
      this.#allAtMs = Infinity;
      callback();
    }, leftMs);
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
