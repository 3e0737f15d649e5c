// StatusThrottle: delays the writes of a network's status that only report progress. A network that comes up changes with each of its
//   pods; one later write reports them all, and costs one request and one event.

/** The first delay of such a status; doubled with each write, up to the longest. */
const firstDelayMs = 2_000;
const longestDelayMs = 8_000;

export class StatusThrottle {
  readonly #nowMs: () => number;
  /** Since when there is progress to write; undefined = there is none. */
  #sinceMs: number | undefined;
  #delayMs = firstDelayMs;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Call for a status that only reports progress. Returns after how many milliseconds to write it; 0 = now, and then it must be written. */
  waitMs(): number {
    const nowMs = this.#nowMs();
    this.#sinceMs ??= nowMs;
    const leftMs = this.#delayMs - (nowMs - this.#sinceMs);
    if (leftMs > 0) return leftMs;
    this.#sinceMs = undefined;
    this.#delayMs = Math.min(longestDelayMs, this.#delayMs * 2);
    return 0;
  }

  /** Call when the status is up to date, or is written at once. */
  reset(): void {
    this.#sinceMs = undefined;
    this.#delayMs = firstDelayMs;
  }
}

/** The least time between writes that only report blocks, for few nodes and for each further one. */
const blocksMs = 10_000;
const blocksMsPerNode = 50;
/** For so long at most such a write waits until all nodes have the block. */
const unevenMs = 1_000;

/** Spaces the writes of a network's status that only report blocks: with a block a second there is always one. */
export class BlocksThrottle {
  readonly #nowMs: () => number;
  #writtenAtMs = -Infinity;
  /** Since when a write has been due. */
  #dueSinceMs: number | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * After how many milliseconds a status that only reports blocks is written; 0 = now.
   * @param isUneven whether nodes lack the newest block
   */
  waitMs(nodes: number, isUneven: boolean): number {
    const nowMs = this.#nowMs();
    const leftMs = this.#writtenAtMs + Math.max(blocksMs, nodes * blocksMsPerNode) - nowMs;
    if (leftMs > 0) return leftMs;
    this.#dueSinceMs ??= nowMs;
    return isUneven ? Math.max(0, this.#dueSinceMs + unevenMs - nowMs) : 0;
  }

  /** Call when the status was written, whatever for. */
  noteWrite(): void {
    this.#writtenAtMs = this.#nowMs();
    this.#dueSinceMs = undefined;
  }
}
