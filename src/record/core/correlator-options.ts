// The options of an EventCorrelator, which an EventBroadcaster takes too.
//   Port of client-go v0.37.2 tools/record/events_cache.go (CorrelatorOptions).
import type { PipelineOptions } from '../pipeline/options.ts';
import type { EventAggregatorKeyFunc, EventAggregatorMessageFunc, EventSpamKeyFunc } from './event-keys.ts';

/** How events are counted, aggregated and held back; docs/recording-events.md has an example. 0 is the default, as in Go. */
export interface CorrelatorOptions extends Pick<PipelineOptions, 'clientGoCompatible' | 'now' | 'nameAnnotation'> {
  /** The largest number of keys in each of the three caches. Default: 4096. */
  readonly lruCacheSize?: number | undefined;
  /** The number of events that a source may write at once about one object and type. Default: 25. */
  readonly burstSize?: number | undefined;
  /** The number of further events per second. Default: 1/300. */
  readonly qps?: number | undefined;
  /** Groups similar events. Default: those that differ only by message and fieldPath. */
  readonly keyFunc?: EventAggregatorKeyFunc | undefined;
  /** The message of the event that stands for similar ones. Default: `(combined from similar events): ` and the newest message. */
  readonly messageFunc?: EventAggregatorMessageFunc | undefined;
  /** The number of different messages of a group from which on they are aggregated; if negative, none are. Default: 10. */
  readonly maxEvents?: number | undefined;
  /** A longer gap between two events ends their group, in seconds. Default: 600. */
  readonly maxIntervalInSeconds?: number | undefined;
  /** Events of one key share a burst. Default: one key for each source, object and type. */
  readonly spamKeyFunc?: EventSpamKeyFunc | undefined;
  /**
   * An event that did not happen for this time is a new event when it happens again, in milliseconds. Default: one hour, the time for which API
   * servers keep events. With `clientGoCompatible` unlimited.
   */
  readonly maxAgeMs?: number | undefined;
}

/** Options of which none is left out. */
export type Given<K extends keyof CorrelatorOptions> = { readonly [N in K]-?: NonNullable<CorrelatorOptions[N]> };
