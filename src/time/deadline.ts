// Deadline: one AbortSignal for a call, which aborts at the time limit or together with the caller's own signal.
import { longestTimerMs } from './timer.ts';

/** Aborts `signal` after a time, or with the caller's signal. Call `clear()` at the end: it removes the timer and the listener. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onOuterAbort = () => this.#controller.abort(this.#outer?.reason);
  #timer: NodeJS.Timeout | undefined;
  #endsAtMs = Infinity;

  /**
   * Differs from AbortSignal.any and AbortSignal.timeout: fake timers drive it, and an outer signal that lives as long as the
   * process does not accumulate listeners.
   * @param timeoutMs in milliseconds; undefined or Infinity = no limit
   */
  constructor(timeoutMs: number | undefined, outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#onOuterAbort();
    else outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
    if (timeoutMs !== undefined) this.extend(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds until the limit; `Infinity` without one. */
  get remainingMs(): number {
    return this.#endsAtMs - performance.now();
  }

  /** Restarts the time limit: `timeoutMs` from now. Does nothing once the signal has aborted. */
  extend(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#endsAtMs = performance.now() + timeoutMs;
    const onTimeout = () => this.#controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
    if (!this.signal.aborted && timeoutMs !== Infinity) this.#timer = setTimeout(onTimeout, Math.min(timeoutMs, longestTimerMs));
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }
}

/** Settles as the promise does, or rejects as soon as the signal aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
