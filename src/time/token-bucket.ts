// TokenBucket: a rate limiter. Port of golang.org/x/time v0.15.0 rate.Limiter (AllowN and ReserveN for one token), to the nanosecond,
//   on a monotonic clock in milliseconds.
import { sleep } from './sleep.ts';

const nanosecondsInSecond = 1e9;

/** Starts with `burst` tokens and gains `qps` a second, up to `burst`. A clock that goes back adds nothing. */
export class TokenBucket {
  readonly #qps: number;
  readonly #burst: number;
  /** Negative: tokens that were reserved before they existed. */
  #tokens: number;
  #lastMs = -Infinity;

  constructor({ qps, burst }: { readonly qps: number; readonly burst: number }) {
    this.#qps = qps;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes a token if there is one now. A refusal changes nothing. A token that is less than a nanosecond away counts as there. */
  tryAccept(nowMs = performance.now()): boolean {
    const tokens = this.#tokensAt(nowMs) - 1;
    if (this.#burst < 1 || (tokens < 0 && this.#nanosecondsFor(-tokens) > 0)) return false;
    this.#tokens = tokens;
    this.#lastMs = nowMs;
    return true;
  }

  /** Milliseconds until there is a token; `Infinity` if there never will be one. Takes nothing. */
  msUntilToken(nowMs = performance.now()): number {
    if (this.#burst < 1) return Infinity;
    const missing = 1 - this.#tokensAt(nowMs);
    return missing <= 0 ? 0 : this.#nanosecondsFor(missing) / 1e6;
  }

  /** Takes one token, on credit if need be. @returns the milliseconds after which the caller may proceed; 0 = now */
  reserve(nowMs = performance.now()): number {
    this.#tokens = this.#tokensAt(nowMs) - 1;
    this.#lastMs = nowMs;
    return this.#tokens >= 0 ? 0 : this.#nanosecondsFor(-this.#tokens) / 1e6;
  }

  /**
   * Waits for a token, in the order of the calls. A wait that is aborted returns its token.
   * @returns the milliseconds waited
   * @throws `signal.reason` when the signal aborts
   */
  async take(signal?: AbortSignal): Promise<number> {
    const delayMs = this.reserve();
    if (delayMs === 0) return 0;
    try {
      await sleep(delayMs, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
    return delayMs;
  }

  #tokensAt(nowMs: number): number {
    if (this.#qps <= 0 || this.#lastMs === -Infinity) return this.#tokens;
    const elapsedMs = Math.max(0, nowMs - this.#lastMs);
    return Math.min(this.#burst, this.#tokens + (Math.trunc(elapsedMs / 1000) + (elapsedMs % 1000) / 1000) * this.#qps);
  }

  #nanosecondsFor(tokens: number): number {
    return this.#qps <= 0 ? Infinity : Math.trunc((tokens / this.#qps) * nanosecondsInSecond);
  }
}
