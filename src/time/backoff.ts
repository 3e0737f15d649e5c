// Backoff: ever longer pauses between failures, and short ones again after a quiet time.
//   Port of apimachinery v0.37.2 util/wait: Backoff.DelayWithReset, with the numbers of client-go tools/cache/reflector.go unless told.

export interface BackoffOptions {
  readonly firstMs?: number;
  readonly maxMs?: number;
  /** Without a failure for so long, the next pause is the first one again. */
  readonly resetAfterMs?: number;
  readonly random?: () => number;
}

export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #resetAfterMs: number;
  readonly #random: () => number;
  #nextMs: number;
  #lastAtMs = 0;

  constructor({ firstMs = 800, maxMs = 30_000, resetAfterMs = 120_000, random = Math.random }: BackoffOptions = {}) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#resetAfterMs = resetAfterMs;
    this.#random = random;
    this.#nextMs = firstMs;
  }

  /** How long to wait after a failure now: the present step and up to as much again at random, so that clients do not come in step. */
  next(): number {
    const nowMs = performance.now();
    if (nowMs - this.#lastAtMs > this.#resetAfterMs) this.#nextMs = this.#firstMs;
    const delayMs = this.#nextMs * (1 + this.#random());
    this.#nextMs = Math.min(this.#maxMs, this.#nextMs * 2);
    // The quiet time starts when the pause is over.
    this.#lastAtMs = nowMs + delayMs;
    return delayMs;
  }
}
