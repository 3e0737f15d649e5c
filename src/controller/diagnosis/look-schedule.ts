// LookSchedule: when to look again at something that is wrong: soon at first, then ever more rarely. Times are monotonic milliseconds.

export interface LookIntervals {
  /** From when it was noticed to the first look. */
  readonly graceMs: number;
  /** Between looks, while it is recent. */
  readonly intervalMs: number;
  /** For so long the interval stays the same; then it doubles with each look. */
  readonly recentMs: number;
  readonly maxIntervalMs: number;
}

export class LookSchedule {
  readonly sinceMs: number;
  readonly #intervals: LookIntervals;
  #nextMs: number;
  #intervalMs: number;

  /** @param nowMs when it was noticed that something is wrong */
  constructor(nowMs: number, intervals: LookIntervals) {
    this.sinceMs = nowMs;
    this.#intervals = intervals;
    this.#nextMs = nowMs + intervals.graceMs;
    this.#intervalMs = intervals.intervalMs;
  }

  /** How long until the next look; 0 = it is due. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs);
  }

  /** Call when a look was taken. */
  looked(nowMs: number): void {
    const { recentMs, maxIntervalMs } = this.#intervals;
    if (nowMs - this.sinceMs > recentMs) this.#intervalMs = Math.min(maxIntervalMs, this.#intervalMs * 2);
    this.#nextMs = nowMs + this.#intervalMs;
  }
}
