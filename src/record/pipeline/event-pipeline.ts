// RecordedEvents: what was recorded, on its way to sinks, logs and watchers; the same for both APIs. Before it: event-recorder.ts or
//   events/events-v1-recorder.ts. After it: event-delivery.ts. Who records never waits for anything in this file.
import { map, type Observable } from 'rxjs';
import { Broadcaster } from '../../broadcaster/broadcaster.ts';
import { newEmptyWatch, type Watcher } from '../../broadcaster/watcher.ts';
import type { Logger } from '../../logging/logger.ts';
import { EventCounts, type DropCounts } from './event-counts.ts';
import type { EventDelivery } from './event-delivery.ts';
import { longestTimerMs } from '../../time/timer.ts';

export interface RecordedEventsOptions {
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
  readonly now: () => number;
  readonly maxQueuedEvents: number;
  /** Keeps the events that are recorded before the first sink is started, and logs drops. client-go does neither. */
  readonly keepsUnsent: boolean;
  /** How long a `shutdown` that is not told so itself may take. Undefined: it waits for nothing, and the sinks go on with what they have. */
  readonly drainTimeoutMs: number | undefined;
}

/** What became of the events that were pending when `shutdown` was called. With several sinks, each counts. */
export interface ShutdownResult {
  /** Recorded events that reached the server after the call. */
  readonly delivered: number;
  /** Recorded events that are lost. */
  readonly notDelivered: number;
  /** Why not, by cause. */
  readonly dropped: DropCounts;
}

/** How much time a shutdown has. */
export interface ShutdownOptions {
  /** Milliseconds until what is pending is dropped; 0: at once. What the broadcaster was told unless told here. */
  readonly drainTimeoutMs?: number | undefined;
}

/** Logs nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

export class RecordedEvents<E> {
  readonly events$: Observable<E>;
  readonly counts: EventCounts<E>;
  readonly #options: RecordedEventsOptions;
  readonly #broadcaster: Broadcaster<E>;
  /** Keeps what is recorded before the first sink is there. Differs from client-go, which loses it. */
  #beforeFirstSink: Watcher<E> | undefined;
  readonly #deliveries = new Map<Watcher<E>, EventDelivery>();
  /** Those that handle an event. */
  readonly #handling = new Set<Promise<void>>();
  readonly #onAbort = () => void this.shutdown();
  #shutdown: Promise<ShutdownResult> | undefined;

  constructor(options: RecordedEventsOptions) {
    const { maxQueuedEvents, logger, now, signal, keepsUnsent } = options;
    this.#options = options;
    this.counts = new EventCounts(keepsUnsent ? logger : silentLogger, now);
    this.#broadcaster = new Broadcaster({
      queueLength: maxQueuedEvents,
      incomingQueueLength: maxQueuedEvents,
      fullChannelBehavior: 'DropIfChannelFull',
    });
    this.events$ = this.#broadcaster.events$.pipe(map(({ object }) => object));
    this.#broadcaster.drops.subscribe(({ event, watcher }) => {
      this.#onDrop(event.object, watcher);
    });
    if (keepsUnsent) this.#beforeFirstSink = this.#broadcaster.watch();
    if (signal?.aborted === true) void this.shutdown();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** False if there are too many events already. @throws BroadcasterStoppedError after shutdown */
  send(event: E): boolean {
    this.counts.recorded += 1;
    if (this.#broadcaster.stopped) this.counts.drop('shutdown', event);
    else if (this.#beforeFirstSink === undefined && !this.#hasSink()) this.counts.drop('no_sink', event);
    return this.#broadcaster.actionOrDrop('ADDED', event);
  }

  /** Hands what is recorded from now on to a new delivery; to the first one also what was recorded before. @returns what stops it */
  deliver(newDelivery: (watcher: Watcher<E>) => EventDelivery): Watcher<E> {
    this.#forgetStopped();
    const watcher = this.#beforeFirstSink ?? this.#watch();
    this.#beforeFirstSink = undefined;
    if (!watcher.isStopped) this.#deliveries.set(watcher, newDelivery(watcher));
    return watcher;
  }

  /** Calls `handler` with each event as it is recorded, one at a time; what it throws is logged. @returns what stops it */
  handle(handler: (event: E) => unknown): Watcher<E> {
    const watcher = this.#watch();
    // It never rejects: what the handler throws is caught here. Whoever records does not wait for the handler.
    const handling = watcher.forEach(async ({ object }) => {
      await Promise.resolve();
      try {
        await handler(object);
      } catch (error) {
        this.#options.logger.error('Event handler failed', { error, event: object });
      }
    });
    this.#handling.add(handling);
    void handling.then(() => this.#handling.delete(handling));
    return watcher;
  }

  /** @returns whether all that is recorded so far has been written or dropped in time */
  async flush(timeoutMs: number): Promise<boolean> {
    const flushed = Promise.all([...this.#deliveries.values()].map(delivery => delivery.flush())).then(() => true);
    return withDeadline(flushed, timeoutMs);
  }

  /** Takes no more events, writes what is pending and lets watchers handle what they have until the time is over; drops the rest. Idempotent. */
  shutdown({ drainTimeoutMs = this.#options.drainTimeoutMs }: ShutdownOptions = {}): Promise<ShutdownResult> {
    this.#shutdown ??= this.#shutDown(drainTimeoutMs);
    return this.#shutdown;
  }

  async #shutDown(drainTimeoutMs: number | undefined): Promise<ShutdownResult> {
    const { delivered } = this.counts;
    const before = { ...this.counts.dropped };
    const deliveries = [...this.#deliveries.values()];
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#broadcaster.shutdown();
    this.#dropUnsent();
    if (drainTimeoutMs !== undefined) {
      const drained = Promise.all([...deliveries.map(delivery => delivery.drain()), ...this.#handling]).then(() => true);
      if (drainTimeoutMs > 0) await withDeadline(drained, drainTimeoutMs);
      for (const delivery of deliveries) delivery.abandon();
    }
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

  #forgetStopped(): void {
    for (const [watcher, delivery] of this.#deliveries)
      if (watcher.isStopped && delivery.pending === 0) this.#deliveries.delete(watcher);
  }

  #hasSink(): boolean {
    for (const watcher of this.#deliveries.keys()) if (!watcher.isStopped) return true;
    return false;
  }

  #onDrop(event: E, watcher: Watcher<E> | undefined): void {
    if (watcher === undefined || this.#deliveries.has(watcher)) this.counts.drop('queue_full', event);
    else if (watcher === this.#beforeFirstSink) this.counts.drop('no_sink', event);
  }

  #watch(): Watcher<E> {
    try {
      return this.#broadcaster.watch();
    } catch (error) {
      this.#options.logger.error('Unable start event watcher (will not retry!)', { error });
      return newEmptyWatch();
    }
  }
}

/** Keeps the process alive until then. */
function withDeadline(done: Promise<boolean>, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(
      () => {
        resolve(false);
      },
      Math.min(timeoutMs, longestTimerMs),
    );
    void done.then(isDone => {
      clearTimeout(timer);
      resolve(isDone);
    });
  });
}
