// EventBroadcaster: takes recorded events to the API server, to logs and to watchers. Before it: event-recorder.ts. After it:
//   recorded-events.ts. Port of client-go v0.37.2 tools/record/event.go.
import type { Observable } from 'rxjs';
import type { Watcher } from '../../broadcaster/watcher.ts';
import { isClientGoCompatible, nameFunction } from '../client-go/compatibility.ts';
import type { Logger } from '../../logging/logger.ts';
import { ClientGoDelivery } from '../client-go/delivery.ts';
import type { CorrelatorOptions } from './correlator-options.ts';
import { coreV1Shape, type CoreV1Event, type EventPatch, type EventSource } from './core-event.ts';
import { EventCorrelator } from './event-correlator.ts';
import type { EventCounts, EventDrop } from '../pipeline/event-counts.ts';
import type { EventDeliveryOptions } from '../pipeline/event-delivery.ts';
import { logFields, logLine } from './log-line.ts';
import { eventNames, EventNames } from '../pipeline/event-name.ts';
import { BroadcastingRecorder, type EventRecorder } from './event-recorder.ts';
import type { EventSink } from './core-v1-sink.ts';
import { retryDelayMs } from '../pipeline/event-writer.ts';
import { guardedLogger } from '../../logging/guarded-logger.ts';
import { HeldEvents } from '../pipeline/held-events.ts';
import { KeyedDelivery } from '../pipeline/keyed-delivery.ts';
import { RecordedEvents, silentLogger, type ShutdownOptions, type ShutdownResult } from '../pipeline/event-pipeline.ts';
import type { KindLookup } from '../pipeline/reference.ts';

/** Every option has a default that suits a controller. */
export interface EventBroadcasterOptions extends CorrelatorOptions {
  /** Shuts the broadcaster down when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Says what could not be recorded; nothing is logged unless given. */
  readonly logger?: Logger | undefined;
  /** How long to sleep before a write is tried again; 10 s unless told. The first sleep is a random part of it. */
  readonly sleepDurationMs?: number | undefined;
  /** From 0 to 1; `Math.random` unless told. */
  readonly random?: (() => number) | undefined;
  /** How many events wait for a watcher, and how many keys for a sink; beyond that the newest are dropped. 1000 unless told. */
  readonly maxQueuedEvents?: number | undefined;
  /** How many writes are under way at once to each sink; 16 unless told, 1 if `clientGoCompatible`. */
  readonly concurrency?: number | undefined;
  /** How long a `shutdown` that is not told so itself may take; 5 s unless told, 0 if `clientGoCompatible`. */
  readonly drainTimeoutMs?: number | undefined;
  /** Says the kind of objects that do not say it themselves. */
  readonly kindOf?: KindLookup | undefined;
}

const defaults = { sleepDurationMs: 10_000, maxQueuedEvents: 1000, concurrency: 16, drainTimeoutMs: 5_000 };

/**
 * Takes recorded events to sinks, logs and watchers. One for a process is right: it counts and aggregates what all its recorders record.
 * Who records never waits, whatever becomes of the events. Port of `record.EventBroadcaster`.
 *
 * @example
 * ```ts
 * import { EventBroadcaster, type EventSink } from 'bitcoin-controller/record';
 *
 * const sink: EventSink = {
 *   create: event => (console.log('create', event.reason, event.message), Promise.resolve(event)),
 *   patch: (event, patch) => (console.log('patch', event.reason, patch.count), Promise.resolve(event)),
 * };
 * await using events = new EventBroadcaster();
 * events.startRecordingToSink(sink);
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * recorder.event(pod, 'Warning', 'Unhealthy', 'it does not answer');
 * await events.flush(1_000); // prints create Unhealthy it does not answer
 * recorder.event(pod, 'Warning', 'Unhealthy', 'it does not answer');
 * const { delivered } = await events.shutdown(); // prints patch Unhealthy 2
 * console.log(delivered, events.counts.recorded); // prints 1 2
 * ```
 */
export class EventBroadcaster implements AsyncDisposable {
  /** Everything that is recorded, uncorrelated: every count is 1. */
  readonly events$: Observable<CoreV1Event>;
  /** What became of the events; for metrics. */
  readonly counts: EventCounts;
  readonly #options: EventBroadcasterOptions;
  readonly #isClientGo: boolean;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #names: EventNames;
  readonly #recorded: RecordedEvents<CoreV1Event>;

  constructor(options: EventBroadcasterOptions = {}) {
    const { maxQueuedEvents = defaults.maxQueuedEvents, signal } = options;
    const logger = options.logger === undefined ? silentLogger : guardedLogger(options.logger);
    this.#options = options;
    this.#isClientGo = isClientGoCompatible(options);
    this.#logger = logger;
    this.#now = options.now ?? (() => Date.now());
    this.#names = options.now === undefined ? eventNames : new EventNames();
    this.#recorded = new RecordedEvents({
      signal,
      logger,
      now: this.#now,
      maxQueuedEvents,
      keepsUnsent: !this.#isClientGo,
      drainTimeoutMs: options.drainTimeoutMs ?? (this.#isClientGo ? 0 : defaults.drainTimeoutMs),
    });
    this.events$ = this.#recorded.events$;
    this.counts = this.#recorded.counts;
  }

  /** Each event that is lost, as it is lost. */
  get drops(): Observable<EventDrop> {
    return this.counts.drops;
  }

  /** A recorder for one part of the program: `source` says which. Any number may be made, at any time. */
  newRecorder(source: EventSource): EventRecorder {
    return new BroadcastingRecorder({
      source: { ...source },
      logger: this.#logger,
      send: event => this.#recorded.send(event),
      nameFor: nameFunction(this.#options, this.#names),
      nameAnnotation: this.#isClientGo ? undefined : this.#options.nameAnnotation,
      now: this.#now,
      kindOf: this.#options.kindOf,
    });
  }

  /**
   * Writes to `sink` what is recorded from now on; to the first one also what was recorded before, 1000 events unless told.
   * @returns what stops it: what it holds is still written
   */
  startRecordingToSink(sink: EventSink): Watcher<CoreV1Event> {
    return this.#recorded.deliver(watcher => {
      if (this.#isClientGo) return new ClientGoDelivery(watcher, this.#clientGoOptions(sink));
      const delivery = this.#newDelivery(sink);
      // It never rejects: accept does not throw.
      void watcher.forEach(({ object }) => {
        delivery.accept(object);
      });
      return delivery;
    });
  }

  /**
   * Calls `handler` with each event as it is recorded, one at a time; what it throws is logged.
   * @returns what stops it
   */
  startEventWatcher(handler: (event: CoreV1Event) => unknown): Watcher<CoreV1Event> {
    return this.#recorded.handle(handler);
  }

  /**
   * Hands `logf` one line an event, as client-go's `StartLogging`.
   * @returns what stops it
   */
  startLogging(logf: (message: string) => void): Watcher<CoreV1Event> {
    return this.startEventWatcher(event => {
      logf(logLine(event));
    });
  }

  /**
   * Logs `Event occurred` for each event, with its `object`, `type`, `reason` and `message` as fields: at the level `info`.
   * @returns what stops it
   */
  startStructuredLogging(logger: Logger): Watcher<CoreV1Event> {
    return this.startEventWatcher(event => {
      logger.info('Event occurred', logFields(event));
    });
  }

  /**
   * Waits until what is recorded so far has been written or dropped, `timeoutMs` at most. What the spam filter holds back is not waited for.
   * Never rejects, and keeps the process alive meanwhile.
   * @returns whether it has
   */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#recorded.flush(timeoutMs);
  }

  /**
   * Takes no more events, writes what is pending – also what the spam filter held back – and lets watchers handle what they have, until
   * `drainTimeoutMs` is over; drops the rest. Never rejects. Idempotent: later calls return the result of the first. Differs from client-go, which loses most of what was recorded last.
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    return this.#recorded.shutdown(options);
  }

  /** As `shutdown`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #newDelivery(sink: EventSink): KeyedDelivery<CoreV1Event, EventPatch> {
    const { sleepDurationMs = defaults.sleepDurationMs, random = Math.random, maxQueuedEvents, concurrency } = this.#options;
    const correlator = new EventCorrelator({ ...this.#options, now: this.#now });
    return new KeyedDelivery({
      sink,
      shape: coreV1Shape,
      correlator: {
        continues: (event, isUnderWay) => isUnderWay(correlator.eventKey(event)),
        eventCorrelate: event => correlator.eventCorrelate(event),
        updateState: (answer, key) => correlator.updateState(answer, key),
      },
      heldWrites: callbacks => new HeldEvents({ correlator, ...callbacks }),
      logger: this.#logger,
      counts: this.counts,
      retryDelayMs: tries => retryDelayMs(tries, sleepDurationMs, random),
      concurrency: concurrency ?? defaults.concurrency,
      maxQueuedEvents: maxQueuedEvents ?? defaults.maxQueuedEvents,
      names: this.#names,
      nameAnnotation: this.#options.nameAnnotation,
      now: this.#now,
    });
  }

  #clientGoOptions(sink: EventSink): EventDeliveryOptions {
    const { sleepDurationMs = defaults.sleepDurationMs, random = Math.random } = this.#options;
    const correlator = new EventCorrelator({ ...this.#options, now: this.#now });
    return { sink, correlator, logger: this.#logger, counts: this.counts, sleepDurationMs, random };
  }
}

/** client-go's `NewBroadcaster`; the same as `new EventBroadcaster(options)`. */
export function newBroadcaster(options: EventBroadcasterOptions = {}): EventBroadcaster {
  return new EventBroadcaster(options);
}
