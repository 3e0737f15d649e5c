// EventsV1Broadcaster: takes events to the API server as events.k8s.io/v1, repetitions as a series. Before it: events-v1-recorder.ts.
//   After it: ../recorded-events.ts. Port of client-go v0.37.2 tools/events/event_broadcaster.go.
import type { Observable } from 'rxjs';
import type { Watcher } from '../../broadcaster/watcher.ts';
import { isClientGoCompatible, nameFunction, type ClientGoOption } from '../client-go/compatibility.ts';
import type { Logger } from '../../logging/logger.ts';
import type { EventCounts, EventDrop } from '../pipeline/event-counts.ts';
import { EventNames, eventNames } from '../pipeline/event-name.ts';
import { guardedLogger } from '../../logging/guarded-logger.ts';
import { RecordedEvents, silentLogger, type ShutdownOptions, type ShutdownResult } from '../pipeline/event-pipeline.ts';
import type { KindLookup } from '../pipeline/reference.ts';
import { ClientGoSeriesDelivery, type SeriesCache } from '../client-go/series-delivery.ts';
import { logFields, type EventsV1Event } from './event.ts';
import { BroadcastingEventsV1Recorder, type EventsV1Recorder, type Reporter } from './recorder.ts';
import type { EventsV1Sink } from './sink.ts';
import { SeriesDelivery } from './series-delivery.ts';

/** Every option has a default that suits a controller. */
export interface EventsV1BroadcasterOptions extends ClientGoOption {
  /** Shuts the broadcaster down when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Says what could not be recorded; nothing is logged unless given. */
  readonly logger?: Logger | undefined;
  /** The least sleep before a write is tried again; up to a quarter is added at random. 10 s unless told. */
  readonly sleepDurationMs?: number | undefined;
  /** Milliseconds since 1970; `Date.now` unless told. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1; `Math.random` unless told. */
  readonly random?: (() => number) | undefined;
  /** How many events wait for a watcher, and how many new ones for a sink; beyond that the newest are dropped. 1000 unless told. */
  readonly maxQueuedEvents?: number | undefined;
  /** How many writes are under way at once to each sink; 8 unless told, any number if `clientGoCompatible`. */
  readonly concurrency?: number | undefined;
  /** How many series are counted at once; beyond that the one that has been quiet for longest is written and forgotten. 4096 unless told. */
  readonly cacheSize?: number | undefined;
  /**
   * What happens again with another note is another event. Unless told so it is part of the same series, as in client-go, and the other
   * note is lost: the API server lets nobody change a note.
   */
  readonly distinguishesNotes?: boolean | undefined;
  /** As `nameAnnotation` of an EventBroadcaster: the annotation by which recording code gives an event its name, to be told once. */
  readonly nameAnnotation?: string | undefined;
  /** How long a `shutdown` that is not told so itself may take; 5 s unless told. */
  readonly drainTimeoutMs?: number | undefined;
  /** Says the kind of objects that do not say it themselves. */
  readonly kindOf?: KindLookup | undefined;
  /** Sends what the API server would refuse, as client-go does: long notes uncut, a reason or an action that is empty or too long. */
  readonly ignoresServerLimits?: boolean | undefined;
}

const defaults = { sleepDurationMs: 10_000, maxQueuedEvents: 1000, concurrency: 8, cacheSize: 4096, drainTimeoutMs: 5_000 };

/**
 * Takes recorded events to sinks, logs and watchers. One for a process is right: it counts what all its recorders record. Who records never
 * waits, whatever becomes of the events. Port of `events.EventBroadcaster`.
 *
 * @example
 * ```ts
 * import { EventsV1Broadcaster, type EventsV1Sink } from 'bitcoin-controller/record/events';
 *
 * const sink: EventsV1Sink = {
 *   create: event => (console.log('create', event.action, event.note), Promise.resolve(event)),
 *   patch: (event, patch) => (console.log('patch', event.action, patch.series.count), Promise.resolve(event)),
 * };
 * await using events = new EventsV1Broadcaster();
 * events.startRecordingToSink(sink);
 * const recorder = events.newRecorder({ reportingController: 'example.com/my-controller', reportingInstance: 'my-controller-0' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * const tell = () => recorder.eventf(pod, undefined, 'Warning', 'Unhealthy', 'Probing', 'it does not answer');
 * tell();
 * await events.flush(1_000); // prints create Probing it does not answer
 * for (let time = 2; time <= 5; time += 1) tell();
 * await events.shutdown(); // prints patch Probing 5
 * ```
 */
export class EventsV1Broadcaster implements AsyncDisposable {
  /** Everything that is recorded, without its series. */
  readonly events$: Observable<EventsV1Event>;
  /** What became of the events; for metrics. */
  readonly counts: EventCounts<EventsV1Event>;
  readonly #options: EventsV1BroadcasterOptions;
  readonly #isClientGo: boolean;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #names: EventNames;
  readonly #recorded: RecordedEvents<EventsV1Event>;
  /** For client-go's way only, which shares it among all starts. */
  readonly #clientGoCache: SeriesCache = new Map();
  #isShuttingDown = false;

  constructor(options: EventsV1BroadcasterOptions = {}) {
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
      drainTimeoutMs: options.drainTimeoutMs ?? (this.#isClientGo ? undefined : defaults.drainTimeoutMs),
    });
    this.events$ = this.#recorded.events$;
    this.counts = this.#recorded.counts;
  }

  /** Each event that is lost, as it is lost. */
  get drops(): Observable<EventDrop<EventsV1Event>> {
    return this.counts.drops;
  }

  /** A recorder for one part of the program: `reporter` says which. Any number may be made, at any time. */
  newRecorder(reporter: Reporter): EventsV1Recorder {
    return new BroadcastingEventsV1Recorder({
      reporter: { ...reporter },
      logger: this.#logger,
      now: this.#now,
      nameFor: nameFunction(this.#options, this.#names),
      nameAnnotation: this.#isClientGo ? undefined : this.#options.nameAnnotation,
      kindOf: this.#options.kindOf,
      send: event => this.#recorded.send(event),
      reject: event => {
        this.counts.recorded += 1;
        this.counts.drop('rejected', event);
      },
      ignoresServerLimits: this.#options.ignoresServerLimits === true,
    });
  }

  /** Writes to `sink` what is recorded from now on; to the first one also what was recorded before. @returns what stops it */
  startRecordingToSink(sink: EventsV1Sink): Watcher<EventsV1Event> {
    return this.#recorded.deliver(watcher =>
      this.#isClientGo ? this.#deliverAsClientGo(watcher, sink) : this.#deliver(watcher, sink),
    );
  }

  /** Calls `handler` with each event as it is recorded, one at a time; what it throws is logged. @returns what stops it */
  startEventWatcher(handler: (event: EventsV1Event) => unknown): Watcher<EventsV1Event> {
    return this.#recorded.handle(handler);
  }

  /**
   * Logs `Event occurred` for each event, with what it says as fields: at the level `info`.
   * @returns what stops it
   */
  startLogging(logger: Logger): Watcher<EventsV1Event> {
    return this.startEventWatcher(event => {
      logger.info('Event occurred', logFields(event));
    });
  }

  /** client-go's older name of `startLogging`. */
  startStructuredLogging(logger: Logger): Watcher<EventsV1Event> {
    return this.startLogging(logger);
  }

  /**
   * Waits until what is recorded so far has been written or dropped, `timeoutMs` at most. Writes also the counts of series that would wait
   * until these are refreshed or finished.
   * @returns whether it has
   */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#recorded.flush(timeoutMs);
  }

  /**
   * Takes no more events, writes what is pending – also the last counts of all series – and lets watchers handle what they have, until
   * `drainTimeoutMs` is over; drops the rest. Idempotent. Differs from client-go, which loses the last counts, and whose series go on to
   * be refreshed until the signal aborts.
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    this.#isShuttingDown = true;
    return this.#recorded.shutdown(options);
  }

  /** As `shutdown`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #deliver(watcher: Watcher<EventsV1Event>, sink: EventsV1Sink): SeriesDelivery {
    const { sleepDurationMs, random, maxQueuedEvents, concurrency, cacheSize, distinguishesNotes, nameAnnotation } =
      this.#options;
    const delivery = new SeriesDelivery({
      sink,
      logger: this.#logger,
      counts: this.counts,
      sleepDurationMs: sleepDurationMs ?? defaults.sleepDurationMs,
      random: random ?? Math.random,
      concurrency: concurrency ?? defaults.concurrency,
      maxQueuedEvents: maxQueuedEvents ?? defaults.maxQueuedEvents,
      cacheSize: cacheSize ?? defaults.cacheSize,
      distinguishesNotes: distinguishesNotes === true,
      names: this.#names,
      nameAnnotation,
      now: this.#now,
    });
    // Neither rejects: accept does not throw, and drain has nothing to reject for. Nobody looks after the series of a sink that was stopped.
    void watcher.forEach(({ object }) => delivery.accept(object)).then(() => delivery.drain());
    return delivery;
  }

  #deliverAsClientGo(watcher: Watcher<EventsV1Event>, sink: EventsV1Sink): ClientGoSeriesDelivery {
    const { sleepDurationMs, random, concurrency, signal } = this.#options;
    const delivery = new ClientGoSeriesDelivery({
      sink,
      logger: this.#logger,
      counts: this.counts,
      sleepDurationMs: sleepDurationMs ?? defaults.sleepDurationMs,
      random: random ?? Math.random,
      concurrency: concurrency ?? Infinity,
      now: this.#now,
      cache: this.#clientGoCache,
      signal,
    });
    watcher.results.subscribe({
      next: ({ object }) => delivery.accept(object),
      complete: () => {
        if (!this.#isShuttingDown) delivery.abandon();
      },
    });
    return delivery;
  }
}
