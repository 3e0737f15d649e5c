// TokenBucket: how often something may happen. Used by the Kubernetes client for requests and by the work queue for retries.
//   The reservations of golang.org/x/time/rate (Limiter.Reserve), on a monotonic clock: clock jumps change nothing.
import { sleep } from './sleep.ts';

/** Holds at most `burst` tokens and gains `qps` a second. */
export class TokenBucket {
  readonly #qps: number;
  readonly #burst: number;
  /** May be negative: tokens that are promised already. */
  #tokens: number;
  #lastMs = performance.now();

  constructor(options: { qps: number; burst: number }) {
    this.#qps = options.qps;
    this.#burst = options.burst;
    this.#tokens = options.burst;
  }

  /** Takes one token and says after how many milliseconds it is there (0 = now). Never refuses: the debt grows. */
  reserve(): number {
    const nowMs = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#lastMs) / 1000) * this.#qps);
    this.#lastMs = nowMs;
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#qps) * 1000;
  }

  /**
   * Waits for a token. A wait that is given up hands its token back.
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
}
