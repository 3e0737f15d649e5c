// EventsV1Broadcaster: takes events to the API server as events.k8s.io/v1, repetitions as a series.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go.
import type { Watcher } from '../../broadcaster/watcher.ts';
import type { Logger } from '../../logging/logger.ts';
import { ClientGoSeriesDelivery, type SeriesCache } from '../client-go/series-delivery.ts';
import { EventPipeline, type EventDelivery, type PipelineOptions } from '../pipeline/event-pipeline.ts';
import type { RecorderOptions } from '../pipeline/recording.ts';
import { WriteQueue } from '../pipeline/write-queue.ts';
import { logFields, type EventsV1Event } from './event.ts';
import { BroadcastingEventsV1Recorder, type EventsV1Recorder, type Reporter } from './recorder.ts';
import { SeriesPolicy, tendSeries } from './series.ts';
import type { EventsV1Sink } from './sink.ts';

/** All options have defaults for a controller. */
export interface EventsV1BroadcasterOptions extends PipelineOptions {
  /** The shortest delay before a write is retried, in milliseconds; up to a quarter is added at random. Default: 10 s. */
  readonly sleepDurationMs?: number | undefined;
  /** The largest number of concurrent writes to each sink. Default: 8; unlimited with `clientGoCompatible`. */
  readonly concurrency?: number | undefined;
  /** The largest number of series; beyond it the series that has been quiet for longest is written and forgotten. Default: 4096. */
  readonly cacheSize?: number | undefined;
  /**
   * Whether the same event with another note is another event. Default: false. It is part of the same series then, as in client-go, and
   * only the first note is kept: the API server refuses to change a note.
   */
  readonly distinguishesNotes?: boolean | undefined;
  /** Sends events that the API server refuses, as client-go does: long notes, a reason or an action that is empty or too long. Default: false. */
  readonly ignoresServerLimits?: boolean | undefined;
}

const defaults = { sleepDurationMs: 10_000, maxQueuedEvents: 1000, concurrency: 8, cacheSize: 4096 };

/**
 * Takes recorded events to sinks, logs and watchers. A process needs one: it counts the events of all its recorders. Recording never waits,
 * whatever happens to the events. Port of `events.EventBroadcaster`.
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
 * const record = () => recorder.eventf(pod, undefined, 'Warning', 'Unhealthy', 'Probing', 'The probe failed');
 * record();
 * await events.flush(1_000); // prints create Probing The probe failed
 * for (let time = 2; time <= 5; time += 1) record();
 * await events.shutdown(); // prints patch Probing 5
 * ```
 */
export class EventsV1Broadcaster extends EventPipeline<EventsV1Event> {
  readonly #options: EventsV1BroadcasterOptions;
  /** With `clientGoCompatible`, all sinks share it. */
  readonly #clientGoCache: SeriesCache = new Map();

  constructor(options: EventsV1BroadcasterOptions = {}) {
    super(options, undefined);
    this.#options = options;
  }

  /** A recorder for one component. Any number may be made, at any time. */
  newRecorder(reporter: Reporter, options: RecorderOptions = {}): EventsV1Recorder {
    const ignoresServerLimits = this.#options.ignoresServerLimits === true;
    return new BroadcastingEventsV1Recorder(reporter, { ...this.recordingOptions(options, false), ignoresServerLimits });
  }

  /**
   * Writes to `sink` the events recorded from now on; the first sink also receives the events recorded before, 1000 by default.
   * @returns a watcher; after its `stop()` only events that it has are written
   */
  startRecordingToSink(sink: EventsV1Sink): Watcher<EventsV1Event> {
    return this.deliver(watcher => (this.isClientGo ? this.#deliverAsClientGo(watcher, sink) : this.#deliver(watcher, sink)));
  }

  /**
   * Logs `Event occurred` at the level `info` for each event, with its fields.
   * @returns a watcher; its `stop()` ends the log
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

  #deliver(watcher: Watcher<EventsV1Event>, sink: EventsV1Sink): EventDelivery {
    const { concurrency, maxQueuedEvents, cacheSize, distinguishesNotes, nameAnnotation } = this.#options;
    const policy = new SeriesPolicy({
      cacheSize: cacheSize ?? defaults.cacheSize,
      distinguishesNotes: distinguishesNotes === true,
      nameAnnotation,
      ...this.#retryOptions(),
    });
    const queue = new WriteQueue({
      sink,
      policy,
      logger: this.logger,
      counts: this.tally,
      concurrency: concurrency ?? defaults.concurrency,
      maxQueuedEvents: maxQueuedEvents ?? defaults.maxQueuedEvents,
      names: this.names,
      nameAnnotation,
      now: this.now,
    });
    tendSeries(queue, policy, this.now);
    // Neither rejects: accept does not throw, and drain only waits. The series of a sink that is stopped are not refreshed.
    void watcher.forEach(({ object }) => queue.accept(object)).then(() => queue.drain());
    return queue;
  }

  #deliverAsClientGo(watcher: Watcher<EventsV1Event>, sink: EventsV1Sink): EventDelivery {
    const { concurrency = Infinity, signal } = this.#options;
    const delivery = new ClientGoSeriesDelivery({
      sink,
      logger: this.logger,
      counts: this.tally,
      ...this.#retryOptions(),
      concurrency,
      now: this.now,
      cache: this.#clientGoCache,
      signal,
    });
    watcher.results.subscribe({
      next: ({ object }) => delivery.accept(object),
      complete: () => {
        if (!this.isStopped) delivery.abandon();
      },
    });
    return delivery;
  }

  #retryOptions(): { readonly sleepDurationMs: number; readonly random: () => number } {
    const { sleepDurationMs = defaults.sleepDurationMs, random = Math.random } = this.#options;
    return { sleepDurationMs, random };
  }
}
