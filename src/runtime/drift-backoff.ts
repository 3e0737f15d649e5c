// Repairs: how often one object is put right again while what is wanted of it stays the same. Before it: reconcile.ts. After it: apply.ts.
//   Whoever changes it again each time – a second controller with other settings, an autoscaler – would else keep both, and the API server, busy for ever.

/** So many repairs come at once, as after the hands of a person; after them the pauses begin. */
const freeRepairs = 5;
const firstPauseMs = 1_000;
const maxPauseMs = 300_000;
/** After so long without a repair all is forgotten. */
const resetAfterMs = 600_000;

interface Row {
  readonly wanted: string;
  count: number;
  lastMs: number;
}

export class Repairs {
  /** In the order of their last repair. */
  readonly #rows = new Map<string, Row>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Asks to put right the object `key`, of which `wanted` – a digest – is wanted.
   * @returns 0: now, and this is counted; else the milliseconds to wait before it may be asked again
   */
  take(key: string, wanted: string): number {
    const nowMs = this.#nowMs();
    this.#dropOld(nowMs);
    const before = this.#rows.get(key);
    const row = before?.wanted === wanted ? before : { wanted, count: 0, lastMs: -Infinity };
    const pauseMs = row.count < freeRepairs ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (row.count - freeRepairs));
    const waitMs = row.lastMs + pauseMs - nowMs;
    if (waitMs > 0) return waitMs;
    row.count += 1;
    row.lastMs = nowMs;
    this.#rows.delete(key);
    this.#rows.set(key, row);
    return 0;
  }

  /** By time alone: an object that seems to be gone may have lost no more than our label, and by a rival's hand. */
  #dropOld(nowMs: number): void {
    for (const [key, { lastMs }] of this.#rows) {
      if (nowMs - lastMs < resetAfterMs) return;
      this.#rows.delete(key);
    }
  }
}
