// A pause that an AbortSignal ends. On plain globals, so that fake timers drive it and browsers have it.
import { longestTimerMs } from './timer.ts';

export interface SleepOptions {
  /** False: the timer does not keep the process alive, as in node:timers. Default: true. */
  readonly ref?: boolean;
}

/**
 * Resolves after `ms` milliseconds, or after `longestTimerMs` if that is less.
 * @throws `signal.reason` as soon as the signal aborts; the timer is cleared then.
 */
export function sleep(ms: number, signal?: AbortSignal, { ref = true }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (isAborted(signal)) {
      reject(signal?.reason as Error);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer as number);
      reject(signal?.reason as Error);
    };
    const timer: unknown = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(ms, longestTimerMs),
    );
    if (!ref) (timer as { unref?: () => void }).unref?.();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Reads the signal again. After an `await` the compiler still assumes the result of an earlier check of `signal.aborted`. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
