// DriftBackoff: how often the drift of one object is reverted while the desired state stays the same. Without it another writer that
//   changes the object back each time (a second controller with other settings, an autoscaler) would keep both, and the API server, busy.

/** So many reverts come at once, as after manual edits; then the pauses begin. */
const freeReverts = 5;
const firstPauseMs = 1_000;
const maxPauseMs = 300_000;
/** After so long without a revert the count starts from 0. */
const resetAfterMs = 600_000;

/**
 * Limits how often the drift of one object is reverted: five times at once, then after pauses from 1 s that double up to 5 min. The count
 * starts again after 10 min without a revert, and with another desired state.
 */
export class DriftBackoff {
  readonly #nowMs: () => number;
  #desired = '';
  #count = 0;
  #lastMs = -Infinity;

  /** @param nowMs a monotonic clock in milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * How many milliseconds to wait before drift may be reverted again; 0 = none.
   * @param desired a digest of the desired state; with another one the count starts from 0
   */
  waitMs(desired: string): number {
    if (this.#isReset(desired) || this.#count < freeReverts) return 0;
    const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** (this.#count - freeReverts));
    return Math.max(0, this.#lastMs + pauseMs - this.#nowMs());
  }

  /** Call when drift from the desired state is about to be reverted. */
  count(desired: string): void {
    this.#count = this.#isReset(desired) ? 1 : this.#count + 1;
    this.#desired = desired;
    this.#lastMs = this.#nowMs();
  }

  #isReset(desired: string): boolean {
    return desired !== this.#desired || this.#nowMs() - this.#lastMs >= resetAfterMs;
  }
}
