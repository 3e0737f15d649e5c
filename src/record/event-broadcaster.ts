// EventBroadcaster: takes recorded events to the API server, to logs and to watchers. Before it: event-recorder.ts. After it:
//   event-delivery.ts. Port of client-go v0.37.2 tools/record/event.go. Who records never waits for anything in this file.
import { map, type Observable } from 'rxjs';
import { Broadcaster } from '../broadcaster/broadcaster.ts';
import { newEmptyWatch, type Watcher } from '../broadcaster/watcher.ts';
import type { Logger } from '../logger.ts';
import { ClientGoDelivery } from './client-go-delivery.ts';
import { coreV1Shape, type CoreV1Event, type EventSource } from './core-event.ts';
import { EventCorrelator, type CorrelatorOptions } from './event-correlator.ts';
import { EventCounts, type DropCounts, type EventDrop } from './event-counts.ts';
import type { EventDelivery } from './event-delivery.ts';
import { logFields, logLine } from './event-log.ts';
import { eventNames, EventNames, generateEventName, unixNanoOf } from './event-name.ts';
import { BroadcastingRecorder, type EventRecorder } from './event-recorder.ts';
import type { EventSink } from './event-sink.ts';
import { retryDelayMs } from './event-writer.ts';
import { HeldEvents } from './held-events.ts';
import { KeyedDelivery } from './keyed-delivery.ts';
import type { KindLookup } from './reference.ts';

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

/** What became of the events that were pending when `shutdown` was called. With several sinks, each counts. */
export interface ShutdownResult {
  readonly delivered: number;
  readonly notDelivered: number;
  /** Why not, by cause. */
  readonly dropped: DropCounts;
}

const defaults = { sleepDurationMs: 10_000, maxQueuedEvents: 1000, concurrency: 16, drainTimeoutMs: 5_000 };
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/**
 * One for a process is right: it counts and aggregates what all its recorders record.
 *
 * @example
 * ```ts
 * import { EventBroadcaster, type EventSink } from 'bitcoin-controller/record';
 *
 * const sink: EventSink = {
 *   create: (event) => (console.log('create', event.reason, event.message), Promise.resolve(event)),
 *   patch: (event, patch) => (console.log('patch', event.reason, patch.count), Promise.resolve(event)),
 * };
 * await using events = new EventBroadcaster();
 * events.startRecordingToSink(sink);
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * recorder.event(pod, 'Normal', 'Started', 'the pod has started');
 * await events.flush(1_000);
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
  readonly #broadcaster: Broadcaster<CoreV1Event>;
  /** Keeps what is recorded before the first sink is there. Differs from client-go, which loses it. */
  #beforeFirstSink: Watcher<CoreV1Event> | undefined;
  readonly #deliveries = new Map<Watcher<CoreV1Event>, EventDelivery>();
  /** Those that handle an event. */
  readonly #handling = new Set<Promise<void>>();
  readonly #onAbort = () => void this.shutdown();
  #shutdown: Promise<ShutdownResult> | undefined;

  constructor(options: EventBroadcasterOptions = {}) {
    const { maxQueuedEvents = defaults.maxQueuedEvents, logger = silent, signal } = options;
    this.#options = options;
    this.#isClientGo = options.clientGoCompatible === true;
    this.#logger = logger;
    this.#now = options.now ?? (() => Date.now());
    this.#names = options.now === undefined ? eventNames : new EventNames();
    this.counts = new EventCounts(this.#isClientGo ? silent : logger, this.#now);
    this.#broadcaster = new Broadcaster({
      queueLength: maxQueuedEvents,
      incomingQueueLength: maxQueuedEvents,
      fullChannelBehavior: 'DropIfChannelFull',
    });
    this.events$ = this.#broadcaster.events$.pipe(map(({ object }) => object));
    this.#broadcaster.drops.subscribe(({ event, watcher }) => {
      this.#onDrop(event.object, watcher);
    });
    if (!this.#isClientGo) this.#beforeFirstSink = this.#broadcaster.watch();
    if (signal?.aborted === true) void this.shutdown();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Each event that is lost, as it is lost. */
  get drops(): Observable<EventDrop> {
    return this.counts.drops;
  }

  newRecorder(source: EventSource): EventRecorder {
    const nameFor = this.#isClientGo
      ? (name: string, nowMs: number) => generateEventName(name, unixNanoOf(nowMs))
      : (name: string, nowMs: number) => this.#names.next(name, nowMs);
    return new BroadcastingRecorder({
      source: { ...source },
      logger: this.#logger,
      send: event => this.#send(event),
      nameFor,
      now: this.#now,
      kindOf: this.#options.kindOf,
    });
  }

  /** Writes to `sink` what is recorded from now on; to the first one also what was recorded before. @returns what stops it */
  startRecordingToSink(sink: EventSink): Watcher<CoreV1Event> {
    this.#forgetStopped();
    const watcher = this.#beforeFirstSink ?? this.#watch();
    this.#beforeFirstSink = undefined;
    if (watcher.isStopped) return watcher;
    const {
      sleepDurationMs = defaults.sleepDurationMs,
      random = Math.random,
      maxQueuedEvents = defaults.maxQueuedEvents,
      concurrency = defaults.concurrency,
    } = this.#options;
    const correlator = new EventCorrelator({ ...this.#options, now: this.#now });
    const options = { sink, logger: this.#logger, counts: this.counts };
    if (this.#isClientGo) {
      this.#deliveries.set(watcher, new ClientGoDelivery(watcher, { ...options, correlator, sleepDurationMs, random }));
    } else {
      const delivery = new KeyedDelivery({
        ...options,
        shape: coreV1Shape,
        correlator: {
          continues: (event, isUnderWay) => isUnderWay(correlator.eventKey(event)),
          eventCorrelate: event => correlator.eventCorrelate(event),
          updateState: (answer, key) => correlator.updateState(answer, key),
        },
        heldWrites: callbacks => new HeldEvents({ correlator, ...callbacks }),
        retryDelayMs: tries => retryDelayMs(tries, sleepDurationMs, random),
        concurrency,
        maxQueuedEvents,
        names: this.#names,
        now: this.#now,
      });
      this.#deliveries.set(watcher, delivery);
      // It never rejects: accept does not throw.
      void watcher.forEach(({ object }) => {
        delivery.accept(object);
      });
    }
    return watcher;
  }

  /** Calls `handler` with each event as it is recorded, one at a time; what it throws is logged. @returns what stops it */
  startEventWatcher(handler: (event: CoreV1Event) => unknown): Watcher<CoreV1Event> {
    const watcher = this.#watch();
    // It never rejects: what the handler throws is caught here. Whoever records does not wait for the handler.
    const handling = watcher.forEach(async ({ object }) => {
      await Promise.resolve();
      try {
        await handler(object);
      } catch (error) {
        this.#logger.error('Event handler failed', { error, event: object });
      }
    });
    this.#handling.add(handling);
    void handling.then(() => this.#handling.delete(handling));
    return watcher;
  }

  /** One line an event, as client-go's. */
  startLogging(logf: (message: string) => void): Watcher<CoreV1Event> {
    return this.startEventWatcher(event => {
      logf(logLine(event));
    });
  }

  startStructuredLogging(logger: Logger): Watcher<CoreV1Event> {
    return this.startEventWatcher(event => {
      logger.info('Event occurred', logFields(event));
    });
  }

  /**
   * Waits until what is recorded so far has been written or dropped, `timeoutMs` at most. What the spam filter holds back is not waited for.
   * @returns whether it has
   */
  async flush(timeoutMs: number): Promise<boolean> {
    const flushed = Promise.all([...this.#deliveries.values()].map(delivery => delivery.flush())).then(() => true);
    return withDeadline(flushed, timeoutMs);
  }

  /**
   * Takes no more events, writes what is pending – also what the spam filter held back – and lets watchers handle what they have, until
   * `drainTimeoutMs` is over; drops the rest. Idempotent. Differs from client-go, which loses most of what was recorded last.
   */
  shutdown(options: { readonly drainTimeoutMs?: number | undefined } = {}): Promise<ShutdownResult> {
    const { drainTimeoutMs = this.#options.drainTimeoutMs ?? (this.#isClientGo ? 0 : defaults.drainTimeoutMs) } = options;
    this.#shutdown ??= this.#shutDown(drainTimeoutMs);
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #shutDown(drainTimeoutMs: number): Promise<ShutdownResult> {
    const { delivered } = this.counts;
    const before = { ...this.counts.dropped };
    const deliveries = [...this.#deliveries.values()];
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#broadcaster.shutdown();
    this.#dropUnsent();
    const drained = Promise.all([...deliveries.map(delivery => delivery.drain()), ...this.#handling]).then(() => true);
    if (drainTimeoutMs > 0) await withDeadline(drained, drainTimeoutMs);
    for (const delivery of deliveries) delivery.abandon();
    const dropped = Object.fromEntries(
      Object.entries(this.counts.dropped).map(([cause, count]) => [cause, count - before[cause as keyof DropCounts]]),
    );
    const notDelivered = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return { delivered: this.counts.delivered - delivered, notDelivered, dropped: dropped as DropCounts };
  }

  /** Recorded, and no sink ever came. */
  #dropUnsent(): void {
    this.#beforeFirstSink?.results.subscribe(({ object }) => {
      this.counts.drop('no_sink', object);
    });
    this.#beforeFirstSink = undefined;
  }

  #send(event: CoreV1Event): boolean {
    this.counts.recorded += 1;
    if (this.#broadcaster.stopped) this.counts.drop('shutdown', event);
    else if (this.#beforeFirstSink === undefined && !this.#hasSink()) this.counts.drop('no_sink', event);
    return this.#broadcaster.actionOrDrop('ADDED', event);
  }

  #forgetStopped(): void {
    for (const [watcher, delivery] of this.#deliveries)
      if (watcher.isStopped && delivery.pending === 0) this.#deliveries.delete(watcher);
  }

  #hasSink(): boolean {
    for (const watcher of this.#deliveries.keys()) if (!watcher.isStopped) return true;
    return false;
  }

  #onDrop(event: CoreV1Event, watcher: Watcher<CoreV1Event> | undefined): void {
    if (watcher === undefined || this.#deliveries.has(watcher)) this.counts.drop('queue_full', event);
    else if (watcher === this.#beforeFirstSink) this.counts.drop('no_sink', event);
  }

  #watch(): Watcher<CoreV1Event> {
    try {
      return this.#broadcaster.watch();
    } catch (error) {
      this.#logger.error('Unable start event watcher (will not retry!)', { error });
      return newEmptyWatch();
    }
  }
}

/** Keeps the process alive until then. */
function withDeadline(done: Promise<boolean>, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      resolve(false);
    }, timeoutMs);
    void done.then(isDone => {
      clearTimeout(timer);
      resolve(isDone);
    });
  });
}

/** client-go's `NewBroadcaster`. */
export function newBroadcaster(options: EventBroadcasterOptions = {}): EventBroadcaster {
  return new EventBroadcaster(options);
}
