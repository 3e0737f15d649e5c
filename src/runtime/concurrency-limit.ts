// ConcurrencyLimit: at most so many tasks at the same time; the others wait in the order in which they came.
import { longestTimerMs } from '../time/timer.ts';

/** Runs at most so many tasks at the same time. The others wait in the order in which they came. */
export class ConcurrencyLimit {
  #free: number;
  readonly #longestMs: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param limit how many tasks may run at the same time
   * @param longestMs milliseconds after which a task's slot goes to the next task although the first is still running: tasks that hang must not block the others. Infinity: never
   * @throws RangeError for a limit that is no integer above 0, and unless longestMs is above 0
   */
  constructor(limit: number, longestMs: number) {
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`limit must be an integer above 0, not ${limit}`);
    if (!(longestMs > 0)) throw new RangeError(`longestMs must be above 0, not ${longestMs}`);
    this.#free = limit;
    this.#longestMs = longestMs;
  }

  /** Runs the task when a slot is free; returns and throws what the task does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    let isReleased = false;
    const release = () => {
      if (!isReleased) this.#handOn();
      isReleased = true;
    };
    const timer = this.#longestMs > longestTimerMs ? undefined : setTimeout(release, this.#longestMs);
    try {
      return await task();
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  /** A slot goes to the task that has waited longest: a task that comes meanwhile does not overtake it. */
  #handOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
