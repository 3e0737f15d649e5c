// EventPipeline: takes recorded events to sinks, logs and watchers; the base of the broadcasters of both APIs. Recording never waits for it.
import { map, type Observable } from 'rxjs';
import { Broadcaster } from '../../broadcaster/broadcaster.ts';
import { newEmptyWatch, type Watcher } from '../../broadcaster/watcher.ts';
import { consoleLogger } from '../../logging/console-logger.ts';
import { guardedLogger } from '../../logging/guarded-logger.ts';
import type { LogFields, Logger } from '../../logging/logger.ts';
import { settlesWithin } from '../../time/timer.ts';
import { isClientGoCompatible, nameFunction } from '../client-go/compatibility.ts';
import type { DeliveryOptions, EventDelivery } from './delivery.ts';
import { EventTally, type EventCounts, type EventDrop } from './event-counts.ts';
import { EventNames } from './event-name.ts';
import type { AnyEvent, SinkOf } from './event-policy.ts';
import type { PipelineOptions, ShutdownOptions, ShutdownResult } from './options.ts';
import type { RecorderOptions, RecordingOptions } from './recording.ts';

const defaults = { maxQueuedEvents: 1000, sleepDurationMs: 10_000, drainTimeoutMs: 5_000 };
/** Differs from client-go's options: 0 is not the default of these. */
const leastOf = { maxQueuedEvents: 1, concurrency: 1, cacheSize: 0, sleepDurationMs: 0, drainTimeoutMs: 0 };

/** How the broadcasters of the two APIs differ. */
export interface PipelineDefaults<E extends AnyEvent> {
  readonly concurrency: number;
  /** The default of `drainTimeoutMs` if `clientGoCompatible`; undefined: sinks continue after a shutdown. */
  readonly clientGoDrainMs: number | undefined;
  readonly logFields: (event: E) => LogFields;
}

/** What the broadcasters of both APIs have in common. */
export abstract class EventPipeline<E extends AnyEvent, P> implements AsyncDisposable {
  /** Every recorded event, before it is counted. */
  readonly events$: Observable<E>;
  /** What became of the events, for metrics. */
  readonly counts: EventCounts;
  /** Each event that is lost, when it is lost. */
  readonly drops: Observable<EventDrop<E>>;
  /** @internal */
  protected readonly now: () => number;
  /** @internal */
  protected readonly isClientGo: boolean;
  readonly #tally: EventTally<E>;
  readonly #logger: Logger;
  readonly #names = new EventNames();
  readonly #options: PipelineOptions;
  readonly #defaults: PipelineDefaults<E>;
  readonly #drainTimeoutMs: number | undefined;
  readonly #broadcaster: Broadcaster<E>;
  /** Keeps the events that are recorded before the first sink is started. Differs from client-go, which loses them. */
  #beforeFirstSink: Watcher<E> | undefined;
  readonly #deliveries = new Map<Watcher<E>, EventDelivery>();
  /** Handlers that run. */
  readonly #handling = new Set<Promise<void>>();
  readonly #onAbort = () => void this.shutdown();
  #shutdown: Promise<ShutdownResult> | undefined;

  /** @internal @throws RangeError for an option that is too small */
  protected constructor(
    options: PipelineOptions & { readonly cacheSize?: number | undefined },
    apiDefaults: PipelineDefaults<E>,
  ) {
    const { maxQueuedEvents = defaults.maxQueuedEvents, signal } = options;
    for (const name of Object.keys(leastOf) as (keyof typeof leastOf)[]) {
      const [value, least] = [options[name], leastOf[name]];
      if (value !== undefined && !(value >= least))
        throw new RangeError(`${name} must be a number of at least ${least}, not ${value}`);
    }
    this.#defaults = apiDefaults;
    this.#options = options;
    this.isClientGo = isClientGoCompatible(options);
    this.#drainTimeoutMs = options.drainTimeoutMs ?? (this.isClientGo ? apiDefaults.clientGoDrainMs : defaults.drainTimeoutMs);
    this.#logger = guardedLogger(options.logger ?? consoleLogger);
    this.now = options.now ?? (() => Date.now());
    this.#tally = new EventTally(this.isClientGo ? undefined : this.#logger, this.now);
    this.counts = this.#tally.view();
    this.drops = this.#tally.drops;
    this.#broadcaster = new Broadcaster({
      queueLength: maxQueuedEvents,
      incomingQueueLength: maxQueuedEvents,
      fullChannelBehavior: 'DropIfChannelFull',
    });
    this.events$ = this.#broadcaster.events$.pipe(map(({ object }) => object));
    this.#broadcaster.drops.subscribe(({ event: { object }, watcher }) => {
      if (watcher === undefined || this.#deliveries.has(watcher)) this.#tally.drop('queue_full', object);
      else if (watcher === this.#beforeFirstSink) this.#tally.drop('no_sink', object);
    });
    if (!this.isClientGo) this.#beforeFirstSink = this.#broadcaster.watch();
    if (signal?.aborted === true) void this.shutdown();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Calls `handler` with each event as it is recorded, one at a time. Errors that it throws are logged.
   * @returns a watcher; its `stop()` ends the calls
   */
  startEventWatcher(handler: (event: E) => unknown): Watcher<E> {
    const watcher = this.#watch();
    // It never rejects: errors of the handler are caught here. Recording does not wait for the handler.
    const handling = watcher.forEach(async ({ object }) => {
      await Promise.resolve();
      try {
        await handler(object);
      } catch (error) {
        this.#logger.error('Event handler failed', { error, event: object.metadata.name, reason: object.reason });
      }
    });
    this.#handling.add(handling);
    void handling.then(() => this.#handling.delete(handling));
    return watcher;
  }

  /**
   * Logs `Event occurred` at the level `info` for each event, with its fields.
   * @returns a watcher; its `stop()` ends the log
   */
  startStructuredLogging(logger: Logger): Watcher<E> {
    return this.startEventWatcher(event => logger.info('Event occurred', this.#defaults.logFields(event)));
  }

  /**
   * Writes to `sink` the events recorded from now on; the first sink also receives the events recorded before, 1000 by default.
   * @returns a watcher; after its `stop()` only events that it has are written
   */
  startRecordingToSink(sink: SinkOf<E, P>): Watcher<E> {
    for (const [stopped, { pending }] of this.#deliveries)
      if (stopped.isStopped && pending === 0) this.#deliveries.delete(stopped);
    const watcher = this.#beforeFirstSink ?? this.#watch();
    this.#beforeFirstSink = undefined;
    if (!watcher.isStopped) this.#deliveries.set(watcher, this.newDelivery(watcher, this.#deliveryOptions(sink)));
    return watcher;
  }

  /**
   * Waits until the events recorded so far are written or dropped, `timeoutMs` at most. Does not wait for counts that the spam filter holds
   * back; writes counts of series that would wait for a later refresh. Never rejects, and keeps the process alive meanwhile.
   * @returns whether all are written or dropped
   */
  flush(timeoutMs: number): Promise<boolean> {
    return settlesWithin(Promise.all([...this.#deliveries.values()].map(delivery => delivery.flush())), timeoutMs);
  }

  /**
   * Accepts no more events, writes pending ones including held counts, and lets watchers handle what they have; drops the rest after
   * `drainTimeoutMs`. Never rejects. Idempotent: later calls return the result of the first. Differs from client-go, which loses most of
   * the events recorded last.
   */
  shutdown({ drainTimeoutMs = this.#drainTimeoutMs }: ShutdownOptions = {}): Promise<ShutdownResult> {
    this.#shutdown ??= this.#shutDown(drainTimeoutMs);
    return this.#shutdown;
  }

  /** Calls `shutdown`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** @internal */
  protected get isStopped(): boolean {
    return this.#broadcaster.stopped;
  }

  /** @internal */
  protected recordingOptions({ kindOf = this.#options.kindOf }: RecorderOptions, checksReason: boolean): RecordingOptions<E> {
    return {
      logger: this.#logger,
      now: this.now,
      kindOf,
      nameFor: nameFunction(this.#options, this.#names),
      nameAnnotation: this.isClientGo ? undefined : this.#options.nameAnnotation,
      isLenient: this.isClientGo,
      checksReason,
      send: event => this.#send(event),
      drop: (cause, event) => {
        this.#tally.recorded += 1;
        this.#tally.drop(cause, event);
      },
    };
  }

  /** @internal */
  protected abstract newDelivery(watcher: Watcher<E>, options: DeliveryOptions<E, P>): EventDelivery;

  #deliveryOptions(sink: SinkOf<E, P>): DeliveryOptions<E, P> {
    const { concurrency, maxQueuedEvents, nameAnnotation, sleepDurationMs, random } = this.#options;
    return {
      sink,
      logger: this.#logger,
      counts: this.#tally,
      sleepDurationMs: sleepDurationMs ?? defaults.sleepDurationMs,
      random: random ?? Math.random,
      now: this.now,
      concurrency: concurrency ?? this.#defaults.concurrency,
      maxQueuedEvents: maxQueuedEvents ?? defaults.maxQueuedEvents,
      names: this.#names,
      nameAnnotation,
    };
  }

  #send(event: E): boolean {
    this.#tally.recorded += 1;
    if (this.#broadcaster.stopped) this.#tally.drop('shutdown', event);
    else if (this.#beforeFirstSink === undefined && !this.#hasSink()) this.#tally.drop('no_sink', event);
    return this.#broadcaster.actionOrDrop('ADDED', event);
  }

  async #shutDown(drainTimeoutMs: number | undefined): Promise<ShutdownResult> {
    const { delivered } = this.#tally;
    const before = { ...this.#tally.dropped };
    const deliveries = [...this.#deliveries.values()];
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#broadcaster.shutdown();
    // No sink was ever started.
    this.#beforeFirstSink?.results.subscribe(({ object }) => this.#tally.drop('no_sink', object));
    this.#beforeFirstSink = undefined;
    if (drainTimeoutMs !== undefined) {
      const drained = Promise.all([...deliveries.map(delivery => delivery.drain?.() ?? delivery.flush()), ...this.#handling]);
      if (drainTimeoutMs > 0) await settlesWithin(drained, drainTimeoutMs);
      for (const delivery of deliveries) delivery.abandon();
    }
    const dropped = { ...this.#tally.dropped };
    for (const cause of Object.keys(dropped) as (keyof typeof dropped)[]) dropped[cause] -= before[cause];
    const notDelivered = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return { delivered: this.#tally.delivered - delivered, notDelivered, dropped };
  }

  #hasSink(): boolean {
    for (const watcher of this.#deliveries.keys()) if (!watcher.isStopped) return true;
    return false;
  }

  #watch(): Watcher<E> {
    try {
      return this.#broadcaster.watch();
    } catch (error) {
      this.#logger.error('Unable start event watcher (will not retry!)', { error });
      return newEmptyWatch();
    }
  }
}
