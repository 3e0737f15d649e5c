// startTimer does not keep the process alive: pending work is lost at exit unless a caller awaits a flush or shutdown, which settlesWithin limits.

/** The longest delay of setTimeout, about 24.8 days; with a longer one it fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Calls `callback` once after `ms` milliseconds, at most `longestTimerMs`. @returns a function that cancels it */
export function startTimer(ms: number, callback: () => void): () => void {
  const timer: unknown = setTimeout(callback, Math.min(Math.max(0, ms), longestTimerMs));
  (timer as { unref?: () => void }).unref?.();
  return () => {
    clearTimeout(timer as number);
  };
}

/** Whether `done` resolves within `ms` milliseconds. Keeps the process alive until then. */
export function settlesWithin(done: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), Math.min(ms, longestTimerMs));
    void done.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
