// Waiting for something that real sockets or processes bring about, without a pause of a guessed length.
import { setImmediate, setInterval, clearInterval } from 'node:timers';

/** Resolves when `condition` holds, asked at every turn of the event loop. It never gives up: the test's own time limit does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}

/** As `until`, for what takes seconds: asked every 20 ms, and `condition` may ask another process. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition()))
    await new Promise<void>(resolve => {
      const timer = setInterval(() => {
        clearInterval(timer);
        resolve();
      }, 20);
    });
}
