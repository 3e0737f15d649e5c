// EventsV1Broadcaster: takes events to the API server as events.k8s.io/v1, repetitions as a series. Before it: events-v1-recorder.ts.
//   After it: events-v1-writer.ts. Port of client-go v0.37.2 tools/events/event_broadcaster.go.
import { Broadcaster } from '../../broadcaster/broadcaster.ts';
import type { Watcher } from '../../broadcaster/watcher.ts';
import type { Logger } from '../../logger.ts';
import { EventNames, eventNames, generateEventName, unixNanoOf } from '../event-name.ts';
import { startTimer } from '../timer.ts';
import { BroadcastingEventsV1Recorder, type EventsV1Recorder, type Reporter } from './events-v1-recorder.ts';
import type { EventsV1Event } from './events-v1-event.ts';
import { EventsV1Delivery, type CachedEvent } from './events-v1-delivery.ts';
import type { EventsV1Sink } from './events-v1-sink.ts';

export interface EventsV1BroadcasterOptions {
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
  /** How many events wait to be written; beyond that the newest are dropped. 1000 unless told. */
  readonly maxQueuedEvents?: number | undefined;
  /** How many writes are under way at once; 8 unless told. */
  readonly concurrency?: number | undefined;
  /** Sends what the API server would refuse, as client-go does: long notes uncut, a reason or an action that is empty or too long. */
  readonly ignoresServerLimits?: boolean | undefined;
  /** client-go to the letter: a new resourceVersion makes a new event, and counts that are not written yet are lost at shutdown. */
  readonly clientGoCompatible?: boolean | undefined;
}

/** How many events were lost, by cause. */
export interface EventsV1DropCounts {
  queue_full: number;
  no_sink: number;
  rejected: number;
  retry_limit: number;
  shutdown: number;
}

const defaults = { sleepDurationMs: 10_000, maxQueuedEvents: 1000, concurrency: 8, drainTimeoutMs: 5_000 };
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** One for a process is right: it counts what all its recorders record. */
export class EventsV1Broadcaster implements AsyncDisposable {
  readonly dropped: Readonly<EventsV1DropCounts>;
  readonly #dropped: EventsV1DropCounts = { queue_full: 0, no_sink: 0, rejected: 0, retry_limit: 0, shutdown: 0 };
  readonly #options: EventsV1BroadcasterOptions;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #names: EventNames;
  readonly #broadcaster: Broadcaster<EventsV1Event>;
  readonly #deliveries = new Map<Watcher<EventsV1Event>, EventsV1Delivery>();
  /** For client-go's way only: else every sink has its own. */
  readonly #sharedCache = new Map<string, CachedEvent>();
  #isShuttingDown = false;
  #shutdown: Promise<void> | undefined;

  constructor(options: EventsV1BroadcasterOptions = {}) {
    const { maxQueuedEvents = defaults.maxQueuedEvents, signal } = options;
    this.dropped = this.#dropped;
    this.#options = options;
    this.#logger = options.logger ?? silent;
    this.#now = options.now ?? (() => Date.now());
    this.#names = options.now === undefined ? eventNames : new EventNames();
    this.#broadcaster = new Broadcaster({
      queueLength: maxQueuedEvents,
      incomingQueueLength: maxQueuedEvents,
      fullChannelBehavior: 'DropIfChannelFull',
    });
    this.#broadcaster.drops.subscribe(() => (this.#dropped.queue_full += 1));
    if (signal?.aborted === true) void this.shutdown();
    else signal?.addEventListener('abort', () => void this.shutdown(), { once: true });
  }

  newRecorder(reporter: Reporter): EventsV1Recorder {
    const isClientGo = this.#options.clientGoCompatible === true;
    return new BroadcastingEventsV1Recorder({
      reporter: { ...reporter },
      logger: this.#logger,
      now: this.#now,
      nameFor: (name, nowMs) => (isClientGo ? generateEventName(name, unixNanoOf(nowMs)) : this.#names.next(name, nowMs)),
      send: event => {
        this.#send(event);
      },
      reject: () => (this.#dropped.rejected += 1),
      ignoresServerLimits: this.#options.ignoresServerLimits === true,
    });
  }

  /** Writes to `sink` what is recorded from now on. @returns what stops it */
  startRecordingToSink(sink: EventsV1Sink): Watcher<EventsV1Event> {
    const { sleepDurationMs, random = Math.random, concurrency, maxQueuedEvents, clientGoCompatible } = this.#options;
    const watcher = this.#broadcaster.watch();
    const delivery = new EventsV1Delivery({
      sink,
      logger: this.#logger,
      sleepDurationMs: sleepDurationMs ?? defaults.sleepDurationMs,
      random,
      now: this.#now,
      concurrency: concurrency ?? defaults.concurrency,
      maxQueuedEvents: maxQueuedEvents ?? defaults.maxQueuedEvents,
      clientGoCompatible: clientGoCompatible === true,
      onDrop: cause => (this.#dropped[cause] += 1),
      cache: clientGoCompatible === true ? this.#sharedCache : new Map<string, CachedEvent>(),
    });
    this.#deliveries.set(watcher, delivery);
    watcher.results.subscribe({
      next: ({ object }) => {
        delivery.accept(object);
      },
      complete: () => {
        if (!this.#isShuttingDown) delivery.abandon();
      },
    });
    return watcher;
  }

  /** Calls `handler` with each event as it is recorded; what it throws is logged. @returns what stops it */
  startEventWatcher(handler: (event: EventsV1Event) => unknown): Watcher<EventsV1Event> {
    const watcher = this.#broadcaster.watch();
    // It never rejects: what the handler throws is caught here.
    void watcher.forEach(async ({ object }) => {
      try {
        await handler(object);
      } catch (error) {
        this.#logger.error('Event handler failed', { error, event: object });
      }
    });
    return watcher;
  }

  /**
   * Takes no more events, and writes what is pending and the last counts of all series until `drainTimeoutMs` (5 s unless told) is over.
   * Idempotent. Differs from client-go, which loses what is pending, and whose series go on to be refreshed until the signal aborts.
   */
  shutdown(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    const byDefault = this.#options.clientGoCompatible === true ? undefined : defaults.drainTimeoutMs;
    this.#shutdown ??= this.#shutDown(options.drainTimeoutMs ?? byDefault);
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Without a time for the drain only the recording ends. */
  async #shutDown(drainTimeoutMs: number | undefined): Promise<void> {
    // The watchers complete within this call; from here on that is no reason to give up.
    this.#isShuttingDown = true;
    await this.#broadcaster.shutdown();
    const deliveries = [...this.#deliveries.values()];
    if (drainTimeoutMs === undefined) {
      this.#options.signal?.addEventListener('abort', () => deliveries.forEach(delivery => delivery.abandon()), { once: true });
      return;
    }
    if (drainTimeoutMs > 0) {
      let stop: () => void = () => undefined;
      const deadline = new Promise<void>(resolve => (stop = startTimer(drainTimeoutMs, resolve)));
      await Promise.race([Promise.all(deliveries.map(delivery => delivery.drain())), deadline]);
      stop();
    }
    for (const delivery of deliveries) delivery.abandon();
  }

  #send(event: EventsV1Event): void {
    if (this.#shutdown !== undefined) {
      this.#dropped.shutdown += 1;
      return;
    }
    if (![...this.#deliveries.keys()].some(watcher => !watcher.isStopped)) this.#dropped.no_sink += 1;
    if (this.#broadcaster.actionOrDrop('ADDED', event)) return;
    this.#logger.error('Unable to record event: too many queued events, dropped event', { event });
  }
}
