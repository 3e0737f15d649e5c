// Deadline: one AbortSignal for a call, that aborts at its time limit or when the caller's own signal does.

/** Aborts `signal` after a time, or with the caller's signal. `clear()` must be called at the end: then nothing of it is left. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onOuterAbort = () => this.#controller.abort(this.#outer?.reason);
  #timer: NodeJS.Timeout | undefined;
  #endsAtMs = Infinity;

  /** Differs from AbortSignal.any and AbortSignal.timeout: fake timers drive it, and a signal that lives as long as the process gathers no listeners. */
  constructor(timeoutMs: number | undefined, outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#onOuterAbort();
    else outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
    if (timeoutMs !== undefined) this.extend(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left; infinite without a limit. */
  get remainingMs(): number {
    return this.#endsAtMs - performance.now();
  }

  /** Starts the time again: `timeoutMs` from now. */
  extend(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#endsAtMs = performance.now() + timeoutMs;
    const onTimeout = () => this.#controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
    if (!this.signal.aborted) this.#timer = setTimeout(onTimeout, timeoutMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }
}
