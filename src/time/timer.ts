// A timer that keeps no process alive: what waits for it is lost with the process, unless somebody awaits flush or shutdown.

/** A longer one would end at once: some three weeks and a half. */
export const longestTimerMs = 2 ** 31 - 1;

/** @returns what stops it */
export function startTimer(ms: number, callback: () => void): () => void {
  const timer: unknown = setTimeout(callback, Math.min(Math.max(0, ms), longestTimerMs));
  (timer as { unref?: () => void }).unref?.();
  return () => {
    clearTimeout(timer as number);
  };
}
