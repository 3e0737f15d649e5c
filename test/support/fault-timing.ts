// How long a fault takes to be named and to be cleared: printed beside the test's result, and never a limit.

export class FaultTiming {
  #sinceMs = performance.now();
  #named = 0;

  /** Call when the cause is shown. It was there when this was created. */
  isNamed(): void {
    this.#named = this.#elapsed();
  }

  /** Call when the fault is mended. */
  isFixed(): void {
    this.#sinceMs = performance.now();
  }

  /** Call when the cause is shown no more. */
  isCleared(): void {
    process.stdout.write(`      named after ${this.#named} ms, cleared after ${this.#elapsed()} ms\n`);
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#sinceMs);
  }
}
