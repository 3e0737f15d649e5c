// AnswerBudget: how many bytes of nodes' answers the process holds at a time, over all networks. Memory is bounded by it, whatever nodes send.

export interface AnswerBudgetOptions {
  /** For answers of up to `shortBytes`, which thus never wait for long ones. */
  readonly shortTotalBytes: number;
  readonly shortBytes: number;
  /** For longer ones; at least the length of the longest. */
  readonly longTotalBytes: number;
  /** How many answers may wait. Each has up to a read of its socket in memory, 64 KiB. */
  readonly maxWaiting: number;
  /** Who holds bytes for longer is cut off as soon as another answer waits for them. bitcoind sends an answer as a whole. */
  readonly holdMs: number;
}

/** Bytes that an answer may take. */
export interface HeldBytes {
  /** Hands the bytes to the next answer. Call it once, when the answer has been read or abandoned. */
  release(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly grant: () => void;
}

/** First come, first served: an answer that needs many bytes is not overtaken indefinitely by those that need few. */
class Lane {
  readonly #total: number;
  readonly #holdMs: number;
  #free: number;
  readonly #waiting = new Set<Waiting>();
  /** By when they got their bytes. */
  readonly #holders = new Map<HeldBytes, { readonly sinceMs: number; readonly cutOff: () => void }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(totalBytes: number, holdMs: number) {
    this.#total = totalBytes;
    this.#free = totalBytes;
    this.#holdMs = holdMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get heldBytes(): number {
    return this.#total - this.#free;
  }

  /** @throws the reason of `signal` when it aborts before the bytes are there */
  async hold(bytes: number, cutOff: () => void, signal: AbortSignal): Promise<HeldBytes> {
    signal.throwIfAborted();
    if (this.#waiting.size === 0 && this.#free >= bytes) return this.#take(bytes, cutOff);
    return await new Promise((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        bytes,
        grant: () => {
          leave();
          resolve(this.#take(bytes, cutOff));
        },
      };
      const onAbort = () => {
        leave();
        reject(signal.reason as Error);
        this.#serve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
      this.#watch();
    });
  }

  #take(bytes: number, cutOff: () => void): HeldBytes {
    this.#free -= bytes;
    const held: HeldBytes = {
      release: () => {
        if (!this.#holders.delete(held)) return;
        this.#free += bytes;
        this.#serve();
      },
    };
    this.#holders.set(held, { sinceMs: performance.now(), cutOff });
    return held;
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      if (waiting.bytes > this.#free) break;
      waiting.grant();
    }
    this.#watch();
  }

  /** Cuts off answers that have held bytes for too long, as long as another answer waits. */
  #watch(): void {
    clearTimeout(this.#timer);
    const [oldest] = this.#holders.values();
    if (this.#waiting.size === 0 || oldest === undefined) return;
    this.#timer = setTimeout(() => this.#cutOff(), Math.max(0, oldest.sinceMs + this.#holdMs - performance.now()));
  }

  #cutOff(): void {
    const sinceMs = performance.now() - this.#holdMs;
    for (const [held, holder] of [...this.#holders]) {
      if (holder.sinceMs > sinceMs || this.#waiting.size === 0) break;
      holder.cutOff();
      held.release();
    }
    this.#watch();
  }
}

export class AnswerBudget {
  readonly #options: AnswerBudgetOptions;
  readonly #short: Lane;
  readonly #long: Lane;

  constructor(options: AnswerBudgetOptions) {
    this.#options = options;
    this.#short = new Lane(options.shortTotalBytes, options.holdMs);
    this.#long = new Lane(options.longTotalBytes, options.holdMs);
  }

  /** How many bytes are held; never more than the two totals. */
  get heldBytes(): number {
    return this.#short.heldBytes + this.#long.heldBytes;
  }

  /** How many answers wait for bytes. */
  get waiting(): number {
    return this.#short.waiting + this.#long.waiting;
  }

  /**
   * Waits until there are bytes for an answer. Ask for all of them at once: an answer that holds bytes and waits for more may wait indefinitely.
   * @param cutOff is called when they are taken back, since others wait and the answer is not there in time
   * @returns undefined if there are too many waiting already
   * @throws the reason of `signal` when it aborts before the bytes are there
   */
  async hold(bytes: number, cutOff: () => void, signal: AbortSignal): Promise<HeldBytes | undefined> {
    if (bytes > this.#options.longTotalBytes) throw new RangeError(`an answer of ${bytes} bytes exceeds the budget`);
    const lane = bytes <= this.#options.shortBytes ? this.#short : this.#long;
    if (lane.waiting >= this.#options.maxWaiting) return undefined;
    return await lane.hold(bytes, cutOff, signal);
  }
}

/** Lets long answers be parsed one a turn of the event loop, however many arrive together. */
export class OneATurn {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` in a turn of its own; returns and throws what it does. */
  async run<T>(task: () => T): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.then(nextTurn, nextTurn);
    return await result;
  }
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
