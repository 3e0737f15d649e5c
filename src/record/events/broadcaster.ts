// EventsV1Broadcaster: takes events to the API server as events.k8s.io/v1, repetitions as a series.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go.
import type { Watcher } from '../../broadcaster/watcher.ts';
import type { Logger } from '../../logging/logger.ts';
import { ClientGoSeriesDelivery, type SeriesCache } from '../client-go/series-delivery.ts';
import type { DeliveryOptions, EventDelivery } from '../pipeline/delivery.ts';
import { EventPipeline } from '../pipeline/event-pipeline.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import type { RecorderOptions } from '../pipeline/recording.ts';
import { WriteQueue } from '../pipeline/write-queue.ts';
import { logFields, type EventsV1Event, type SeriesPatch } from './event.ts';
import { BroadcastingEventsV1Recorder, type EventsV1Recorder, type Reporter } from './recorder.ts';
import { SeriesPolicy, tendSeries } from './series.ts';

/** All options have defaults for a controller. */
export interface EventsV1BroadcasterOptions extends PipelineOptions {
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

const defaultCacheSize = 4096;

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
export class EventsV1Broadcaster extends EventPipeline<EventsV1Event, SeriesPatch> {
  readonly #options: EventsV1BroadcasterOptions;
  /** With `clientGoCompatible`, all sinks share it. */
  readonly #clientGoCache: SeriesCache = new Map();

  constructor(options: EventsV1BroadcasterOptions = {}) {
    super(options, { concurrency: 8, clientGoDrainMs: undefined, logFields });
    this.#options = options;
  }

  /** A recorder for one component. Any number may be made, at any time. */
  newRecorder(reporter: Reporter, options: RecorderOptions = {}): EventsV1Recorder {
    const ignoresServerLimits = this.#options.ignoresServerLimits === true;
    return new BroadcastingEventsV1Recorder(reporter, { ...this.recordingOptions(options, false), ignoresServerLimits });
  }

  /** As `startStructuredLogging`. */
  startLogging(logger: Logger): Watcher<EventsV1Event> {
    return this.startStructuredLogging(logger);
  }

  /** @internal */
  protected newDelivery(watcher: Watcher<EventsV1Event>, options: DeliveryOptions<EventsV1Event, SeriesPatch>): EventDelivery {
    if (this.isClientGo) return this.#newClientGoDelivery(watcher, options);
    const { cacheSize = defaultCacheSize, distinguishesNotes = false } = this.#options;
    const policy = new SeriesPolicy({ ...options, cacheSize, distinguishesNotes });
    const queue = new WriteQueue({ ...options, policy });
    tendSeries(queue, policy, this.now);
    // Neither rejects: accept does not throw, and drain only waits. The series of a sink that is stopped are not refreshed.
    void watcher.forEach(({ object }) => queue.accept(object)).then(() => queue.drain());
    return queue;
  }

  #newClientGoDelivery(watcher: Watcher<EventsV1Event>, options: DeliveryOptions<EventsV1Event, SeriesPatch>): EventDelivery {
    const delivery = new ClientGoSeriesDelivery(options, this.#clientGoCache, this.#options.signal);
    watcher.results.subscribe({
      next: ({ object }) => delivery.accept(object),
      complete: () => {
        if (!this.isStopped) delivery.abandon();
      },
    });
    return delivery;
  }
}
