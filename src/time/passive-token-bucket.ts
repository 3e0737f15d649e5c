// PassiveTokenBucket: says whether something may happen now. Used by the spam filter in event-correlator.ts.
//   Arithmetic of golang.org/x/time v0.15.0 rate (Limiter.AllowN), to the nanosecond, on a clock in milliseconds.

const nanosecondsInSecond = 1e9;

/** Starts with `burst` tokens, gains `qps` a second up to `burst`. A refusal changes nothing; a clock that goes back adds nothing. */
export class PassiveTokenBucket {
  readonly #qps: number;
  readonly #burst: number;
  #tokens: number;
  #lastMs = -Infinity;

  constructor(qps: number, burst: number) {
    this.#qps = qps;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes a token if there is one. What takes less than a nanosecond to come is there. */
  tryAccept(nowMs: number): boolean {
    const tokens = this.#tokensAt(nowMs) - 1;
    if (this.#burst < 1 || (tokens < 0 && this.#nanosecondsFor(-tokens) > 0)) return false;
    this.#tokens = tokens;
    this.#lastMs = nowMs;
    return true;
  }

  /** How long until there is a token; `Infinity` if there never will be. */
  msUntilToken(nowMs: number): number {
    if (this.#burst < 1) return Infinity;
    const missing = 1 - this.#tokensAt(nowMs);
    return missing <= 0 ? 0 : this.#nanosecondsFor(missing) / 1e6;
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
