// repeat: periodic work that ends with a signal.
import { isAborted, sleep } from './sleep.ts';

/** Calls `run` every `periodMs` until the signal aborts. A period starts when the call before it has settled. Keeps no process alive. */
export async function repeat(periodMs: number, run: () => unknown, signal: AbortSignal): Promise<void> {
  while (!isAborted(signal)) {
    // It rejects only because the signal aborts.
    await sleep(periodMs, signal, { ref: false }).catch(() => undefined);
    if (!isAborted(signal)) await run();
  }
}
