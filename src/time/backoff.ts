// Backoff: growing delays between failures, which start over after a quiet time.
//   Port of apimachinery v0.37.2 util/wait (Backoff.DelayWithReset); the defaults are those of client-go tools/cache/reflector.go.

export interface BackoffOptions {
  /** Milliseconds before the first retry, without jitter. Default: 800. */
  readonly firstMs?: number;
  /** Upper limit of the delay in milliseconds, without jitter. Default: 30 000. */
  readonly maxMs?: number;
  /** After this many milliseconds without a failure the next delay is the first one again. Default: 120 000. */
  readonly resetAfterMs?: number;
  /** A number from 0 to below 1. Default: Math.random. */
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

  /** Milliseconds to wait after a failure now: the current step plus up to as much again at random, so that clients spread out. */
  next(): number {
    const nowMs = performance.now();
    if (nowMs - this.#lastAtMs > this.#resetAfterMs) this.#nextMs = this.#firstMs;
    const delayMs = this.#nextMs * (1 + this.#random());
    this.#nextMs = Math.min(this.#maxMs, this.#nextMs * 2);
    // The quiet time starts when the delay is over.
    this.#lastAtMs = nowMs + delayMs;
    return delayMs;
  }

  /** Lets the next delay be the first one again. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
