// Shows on standard error what a tool is doing and for how long: a live line on a terminal, otherwise a line at the start and one at the end.
const liveIntervalMs = 1_000;
const logIntervalMs = 30_000;

/** Elapsed time for people: 8.2 s, 1 min 30 s. */
export function formatElapsed(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}

/** Prints one line. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The steps of a tool. Each is announced, timed and marked as done or failed. Steps do not nest. */
export class Progress {
  readonly #startedAt = performance.now();
  readonly #isTerminal = process.stderr.isTTY;

  /** Time since this object was created, for people. */
  get elapsed(): string {
    return formatElapsed(performance.now() - this.#startedAt);
  }

  /** Runs `work` under the given title, and shows the text that it passes to `detail`. Errors of `work` are passed on. */
  async step<Result>(title: string, work: (detail: (text: string) => void) => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    let detail = '';
    const line = (mark: string): string =>
      `${mark} ${title}${detail === '' ? '' : ` – ${detail}`} (${formatElapsed(performance.now() - startedAt)})`;
    const live = (): void => void process.stderr.write(this.#isTerminal ? `\r\x1b[K${line('…')}` : `${line('…')}\n`);
    process.stderr.write(this.#isTerminal ? line('…') : `… ${title}\n`);
    const ticker = setInterval(live, this.#isTerminal ? liveIntervalMs : logIntervalMs).unref();
    let mark = '✗';
    try {
      const result = await work(text => {
        if (text === detail) return;
        detail = text;
        live();
      });
      mark = '✓';
      return result;
    } finally {
      clearInterval(ticker);
      process.stderr.write(this.#isTerminal ? `\r\x1b[K${line(mark)}\n` : `${line(mark)}\n`);
    }
  }
}
