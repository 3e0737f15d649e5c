/**
 * Distributes events to any number of watchers, each with a bounded queue of its own: client-go's `watch.Broadcaster` on RxJS. Knows no
 * Kubernetes, and runs in a browser too. Nothing in this project imports it from here.
 *
 * @example A watcher sees what comes after it
 * ```ts
 * import { Broadcaster } from 'bitcoin-controller/broadcaster';
 *
 * await using numbers = new Broadcaster<number>({ queueLength: 10 });
 * await numbers.action('ADDED', 1); // there is no watcher yet
 * using watcher = numbers.watch();
 * await numbers.action('ADDED', 2);
 * for await (const { object } of watcher) {
 *   console.log(object); // prints 2
 *   break; // leaving the loop stops the watcher
 * }
 * console.log(watcher.isStopped); // prints true
 * ```
 *
 * @example A watcher that begins with what there is
 * ```ts
 * import { Broadcaster } from 'bitcoin-controller/broadcaster';
 *
 * await using pods = new Broadcaster<string>({ queueLength: 10 });
 * const watcher = pods.watchWithPrefix([{ type: 'ADDED', object: 'web-0' }]);
 * await pods.action('DELETED', 'web-0');
 * await pods.shutdown();
 * for await (const { type, object } of watcher) console.log(type, object);
 * // prints ADDED web-0
 * // prints DELETED web-0
 * ```
 *
 * @example A watcher in wait mode holds up who sends
 * ```ts
 * import { Broadcaster } from 'bitcoin-controller/broadcaster';
 *
 * await using numbers = new Broadcaster<number>({ queueLength: 1, incomingQueueLength: 1 });
 * const watcher = numbers.watch();
 * for (const number of [1, 2, 3]) await numbers.action('ADDED', number); // one is queued, one held up, one waits behind it
 * void numbers.action('ADDED', 4).then(() => console.log('accepted', 4)); // once one is taken
 * for await (const { object } of watcher) {
 *   console.log('read', object);
 *   if (object === 4) break;
 * }
 * // prints accepted 4
 * // prints read 1
 * // prints read 2
 * // prints read 3
 * // prints read 4
 * ```
 *
 * @example The broadcaster as an Observable
 * ```ts
 * import { Broadcaster } from 'bitcoin-controller/broadcaster';
 * import { filter, map } from 'rxjs';
 *
 * await using pods = new Broadcaster<string>({ queueLength: 100 });
 * const gone = pods.events$.pipe(filter(({ type }) => type === 'DELETED'), map(({ object }) => object));
 * gone.subscribe(name => console.log(name, 'is gone')); // prints web-1 is gone
 * await pods.action('ADDED', 'web-0');
 * await pods.action('DELETED', 'web-1');
 * ```
 *
 * @module broadcaster
 */
export * from './options.ts';
export * from './broadcaster.ts';
export {
  newEmptyWatch,
  Watcher,
  type WatchEvent,
  type WatchEventType,
  type WatcherFeed,
  type WatcherOptions,
} from './watcher.ts';
