// StatusPace: when a status is written that only counts further. Before it: reconcile.ts with a status that differs from the written one.
//   A network that comes up changes with each of its pods: what is written next says it all, and costs one write and one event.

/** How long such a status waits for what comes next; twice as long each time, up to the longest. */
const firstDelayMs = 2_000;
const longestDelayMs = 8_000;

interface Progress {
  /** Since when there is something to write; undefined as long as there is not. */
  readonly sinceMs: number | undefined;
  readonly delayMs: number;
}

export class StatusPace {
  readonly #nowMs: () => number;
  // By network; absent for those whose status was complete or urgent last.
  readonly #progress = new Map<string, Progress>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** For a status that only counts further: after how many milliseconds it is to be written; 0 = now, and then it must be. */
  waitMs(key: string): number {
    const nowMs = this.#nowMs();
    const { sinceMs = nowMs, delayMs } = this.#progress.get(key) ?? { delayMs: firstDelayMs };
    const leftMs = sinceMs + delayMs - nowMs;
    if (leftMs > 0) this.#progress.set(key, { sinceMs, delayMs });
    else this.#progress.set(key, { sinceMs: undefined, delayMs: Math.min(longestDelayMs, delayMs * 2) });
    return Math.max(0, leftMs);
  }

  /** For a network whose status is as it should be, is written at once, or is gone. */
  forget(key: string): void {
    this.#progress.delete(key);
  }
}
