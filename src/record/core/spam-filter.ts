// EventSourceObjectSpamFilter: how often a source may write about an object.
//   Port of client-go v0.37.2 tools/record/events_cache.go (EventSourceObjectSpamFilter).
import type { Given } from './correlator-options.ts';
import type { CoreV1Event } from './core-event.ts';
import type { SpamKey } from './event-keys.ts';
import { LruCache } from '../../collections/lru-cache.ts';
import { TokenBucket } from '../../time/token-bucket.ts';

/** The limits of the filter. */
export interface SpamFilterOptions extends Given<'lruCacheSize' | 'burstSize' | 'qps' | 'now'> {
  /** Events of one key share a burst. */
  readonly spamKeyFunc: (event: CoreV1Event) => SpamKey;
}

/** A token bucket for each source, object and type. */
export class EventSourceObjectSpamFilter {
  readonly #options: SpamFilterOptions;
  readonly #buckets: LruCache<TokenBucket>;

  constructor(options: SpamFilterOptions) {
    // Go's qps is a float32; with it a token returns after 299.9999927 s.
    this.#options = { ...options, qps: Math.fround(options.qps) };
    this.#buckets = new LruCache(options.lruCacheSize);
  }

  /** True if the event is to be skipped; else it has taken a token. */
  filter(event: CoreV1Event, nowMs = this.#options.now()): boolean {
    return !this.#bucketOf(event).tryAccept(nowMs);
  }

  /** How long until an event like this one would not be skipped. */
  msUntilAccepted(event: CoreV1Event): number {
    return this.#bucketOf(event).msUntilToken(this.#options.now());
  }

  #bucketOf(event: CoreV1Event): TokenBucket {
    const { spamKeyFunc, qps, burstSize: burst } = this.#options;
    const key = spamKeyFunc(event);
    if (typeof key !== 'string') return (key.bucket ??= new TokenBucket({ qps, burst }));
    return this.#buckets.getOrCreate(key, () => new TokenBucket({ qps, burst }));
  }
}
