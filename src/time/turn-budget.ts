// TurnBudget: divides work that waits for nothing outside of the process into turns of the event loop. Without it, thousands of promises
// that are resolved already follow one another in one turn, and timers and sockets wait for the last of them.

/** How long a turn may last before the work that has not started waits for the next one. Default: 10 ms. */
export interface TurnBudgetOptions {
  readonly budgetMs?: number;
  /** Monotonic milliseconds. Default: performance.now. */
  readonly nowMs?: () => number;
}

export class TurnBudget {
  readonly #budgetMs: number;
  readonly #nowMs: () => number;
  #turn: { readonly startedMs: number; readonly isOver: Promise<void> } | undefined;

  constructor({ budgetMs = 10, nowMs = () => performance.now() }: TurnBudgetOptions = {}) {
    this.#budgetMs = budgetMs;
    this.#nowMs = nowMs;
  }

  /** Whether the work of this turn has lasted for the budget. Read it right before each piece of work, and `await nextTurn()` while it is true. */
  get isSpent(): boolean {
    this.#turn ??= this.#startTurn();
    return this.#nowMs() - this.#turn.startedMs >= this.#budgetMs;
  }

  /** Resolves in the next turn, after timers and sockets had theirs. */
  async nextTurn(): Promise<void> {
    await this.#turn?.isOver;
  }

  #startTurn(): { readonly startedMs: number; readonly isOver: Promise<void> } {
    const isOver = new Promise<void>(resolve => {
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      });
    });
    return { startedMs: this.#nowMs(), isOver };
  }
}
