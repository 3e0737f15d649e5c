// Turns: so many tasks at a time, the others wait in the order in which they came. Before it: reconcile.ts.

export class Turns {
  #free: number;
  readonly #longestMs: number;
  readonly #waiting: (() => void)[] = [];

  /** @param longestMs after which a task's turn is over although it goes on: those that hang must not keep all others waiting */
  constructor(limit: number, longestMs: number) {
    this.#free = limit;
    this.#longestMs = longestMs;
  }

  /** Runs the task when its turn has come; answers and throws what it does. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    let isOver = false;
    const end = () => {
      if (!isOver) this.#handOn();
      isOver = true;
    };
    const timer = setTimeout(end, this.#longestMs);
    try {
      return await task();
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  /** A turn is handed on, not given back: nobody who comes meanwhile gets ahead. */
  #handOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
