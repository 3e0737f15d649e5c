// What an EventCorrelator can be told; an EventBroadcaster takes the same. Used by event-correlator.ts.
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
  /** How many keys each of the three caches remembers; 4096 unless told. */
  readonly lruCacheSize?: number | undefined;
  /** How many events a source may write at once about one object and type; 25 unless told. */
  readonly burstSize?: number | undefined;
  /** How many more a second after that; 1/300 unless told. */
  readonly qps?: number | undefined;
  /** Which events are similar; those that differ only by message and fieldPath unless told. */
  readonly keyFunc?: EventAggregatorKeyFunc | undefined;
  /** The message of the event that stands for similar ones; `(combined from similar events): ` before the newest unless told. */
  readonly messageFunc?: EventAggregatorMessageFunc | undefined;
  /** Which different message of a group is the first to be aggregated; 10 unless told, none if negative. */
  readonly maxEvents?: number | undefined;
  /** A gap longer than this ends a group; 600 unless told. */
  readonly maxIntervalInSeconds?: number | undefined;
  /** Whose burst an event counts against; its source, object and type unless told. */
  readonly spamKeyFunc?: EventSpamKeyFunc | undefined;
  /** What did not happen for so long is a new event when it happens again; an hour unless told, as API servers keep events. Never if `clientGoCompatible`. */
  readonly maxAgeMs?: number | undefined;
  /** Milliseconds since 1970; `Date.now` unless told. */
  readonly now?: (() => number) | undefined;
  /**
   * Key of the annotation by which recording code gives an event its name; none unless told. An event with a given name is told once,
   * whoever records it how often: it is no repetition of another one with the same message, and if the server has an event of
   * that name it has been told. So code that keeps the name with what it did can tell it again after a crash. Not if `clientGoCompatible`.
   */
  readonly nameAnnotation?: string | undefined;
}
