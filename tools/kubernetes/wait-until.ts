// Waits for a condition that cannot be awaited: polls it at short intervals until it holds or the time is up.
import { setTimeout as delay } from 'node:timers/promises';

const defaultIntervalMs = 50;

/**
 * Resolves with the first value of `ask` that is neither undefined nor false.
 * @param what completes "Timed out waiting for …".
 * @throws Error after `timeoutMs`, with the last error of `ask` as its cause. An error of `ask` before that means: not yet.
 */
export async function waitUntil<Value>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<Value | undefined | false> | Value | undefined | false,
  intervalMs = defaultIntervalMs,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await ask();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      if (error instanceof FatalWaitError) throw error;
      cause = error;
    }
    if (performance.now() > deadline) {
      const reason = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`Timed out after ${timeoutMs / 1000} s waiting for ${what}${reason}`, { cause });
    }
    await delay(intervalMs);
  }
}

/** Thrown by `ask` to end the wait at once. */
export class FatalWaitError extends Error {
  override readonly name = 'FatalWaitError';
}
