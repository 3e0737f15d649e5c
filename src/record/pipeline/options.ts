// The options of the broadcasters of both APIs, and what their shutdown takes and returns.
import type { Logger } from '../../logging/logger.ts';
import type { ClientGoOption } from '../client-go/compatibility.ts';
import type { DropCounts } from './event-counts.ts';
import type { RecorderOptions } from './recording.ts';

/** The options that both broadcasters have. */
export interface PipelineOptions extends ClientGoOption, RecorderOptions {
  /** Shuts the broadcaster down when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Receives faults. Default: warnings and errors go to the console. */
  readonly logger?: Logger | undefined;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** A number from 0 to 1, for delays. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** The largest number of events that wait for a watcher, and of keys that wait for a sink; beyond it the newest are dropped. Default: 1000. */
  readonly maxQueuedEvents?: number | undefined;
  /** The largest number of concurrent writes to each sink. Default: 16; 8 for events.k8s.io/v1. `clientGoCompatible`: always 1; there unlimited. */
  readonly concurrency?: number | undefined;
  /**
   * The delay before a write is retried, in milliseconds; the first delay is a random part of it. For events.k8s.io/v1 up to a quarter is
   * added at random instead. Default: 10 s.
   */
  readonly sleepDurationMs?: number | undefined;
  /** The time in milliseconds that `shutdown()` may take. Default: 5 s. */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * The key of the annotation with which a caller names an event. Default: none. A named event is written once, however often it is recorded
   * and by whichever process: it is no repetition of an event with the same message, and if the server has an event of that name, it counts
   * as delivered. A program that stores the name with the change that caused the event can record it again after a crash.
   */
  readonly nameAnnotation?: string | undefined;
}

/** What became of the events that were pending when `shutdown` was called. Each sink counts. */
export interface ShutdownResult {
  /** Recorded events that reached the server after the call. */
  readonly delivered: number;
  /** Recorded events that are lost. */
  readonly notDelivered: number;
  /** Lost events by cause. */
  readonly dropped: DropCounts;
}

/** The options of `shutdown`. */
export interface ShutdownOptions {
  /** Milliseconds after which pending events are dropped; 0: at once. Default: the broadcaster's `drainTimeoutMs`. */
  readonly drainTimeoutMs?: number | undefined;
}
