// The options of an EventCorrelator, which an EventBroadcaster also accepts.
//   Port of client-go v0.37.2 tools/record/events_cache.go (CorrelatorOptions).
import type { ClientGoOption } from '../client-go/compatibility.ts';
import type { EventAggregatorKeyFunc, EventAggregatorMessageFunc, EventSpamKeyFunc } from './event-keys.ts';

/**
 * How events are counted, aggregated and held back. 0 is the default, as in Go.
 *
 * @example
 * ```ts
 * import { EventBroadcaster, type EventSink } from 'bitcoin-controller/record';
 *
 * const sink: EventSink = {
 *   create: event => (console.log('create', event.message), Promise.resolve(event)),
 *   patch: (event, { count, message }) => (console.log('patch', count, message), Promise.resolve(event)),
 * };
 * await using events = new EventBroadcaster({ maxEvents: 2, burstSize: 3 });
 * events.startRecordingToSink(sink);
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * for (let probe = 1; probe <= 5; probe += 1) {
 *   recorder.eventf(pod, 'Warning', 'Unhealthy', 'probe %d failed', probe);
 *   await events.flush(1_000);
 * }
 * // prints create probe 1 failed
 * // prints create (combined from similar events): probe 2 failed
 * // prints patch 2 (combined from similar events): probe 3 failed
 * console.log(events.counts.filtered, 'held back'); // prints 2 held back
 * await events.shutdown(); // prints patch 4 (combined from similar events): probe 5 failed
 * ```
 */
export interface CorrelatorOptions extends ClientGoOption {
  /** The number of keys in each of the three caches. Default: 4096. */
  readonly lruCacheSize?: number | undefined;
  /** The number of events that a source may write at once about one object and type. Default: 25. */
  readonly burstSize?: number | undefined;
  /** The number of further events per second. Default: 1/300. */
  readonly qps?: number | undefined;
  /** The key of similar events. Default: events that differ only by message and fieldPath are similar. */
  readonly keyFunc?: EventAggregatorKeyFunc | undefined;
  /** The message of the event that combines similar ones. Default: `(combined from similar events): ` and the newest message. */
  readonly messageFunc?: EventAggregatorMessageFunc | undefined;
  /** The ordinal of the first different message of a group that is aggregated. Default: 10. Negative: none is. */
  readonly maxEvents?: number | undefined;
  /** A gap longer than this ends a group. Default: 600. */
  readonly maxIntervalInSeconds?: number | undefined;
  /** The key whose burst an event counts against. Default: its source, object and type. */
  readonly spamKeyFunc?: EventSpamKeyFunc | undefined;
  /** A repetition after this time is a new event. Default: one hour, as API servers keep events. Not if `clientGoCompatible`. */
  readonly maxAgeMs?: number | undefined;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Key of the annotation by which recording code gives an event its name. Default: none. An event with a given name is written once,
   * however often and by whichever process it is recorded. It is no repetition of another one with the same message, and if the server has
   * an event of that name, it counts as delivered. Code that stores the name can record the event again after a crash. Not if `clientGoCompatible`.
   */
  readonly nameAnnotation?: string | undefined;
}
