// EventBroadcaster: takes core/v1 events to the API server, to logs and to watchers. Port of client-go v0.37.2 tools/record/event.go.
import type { Watcher } from '../../broadcaster/watcher.ts';
import { ClientGoDelivery } from '../client-go/delivery.ts';
import type { DeliveryOptions, EventDelivery } from '../pipeline/delivery.ts';
import { EventPipeline } from '../pipeline/event-pipeline.ts';
import { retryDelayMs } from '../pipeline/event-writer.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import type { RecorderOptions } from '../pipeline/recording.ts';
import { WriteQueue } from '../pipeline/write-queue.ts';
import { CoreV1EventSink } from './core-v1-sink.ts';
import type { ClientNodeEventsApi } from '../pipeline/client-node-sink.ts';
import { coreV1Shape, logFields, logLine, type CoreV1Event, type EventPatch, type EventSource } from './core-event.ts';
import { EventCorrelator, type CorrelatorOptions } from './event-correlator.ts';
import { BroadcastingRecorder, type EventRecorder } from './event-recorder.ts';

/** All options have defaults for a controller. */
export interface EventBroadcasterOptions extends CorrelatorOptions, PipelineOptions {}

/** The largest number of counts that wait for the spam filter. */
const maxHeld = 4096;

/**
 * Takes recorded events to sinks, logs and watchers. A process needs one: it counts and aggregates the events of all its recorders.
 * Recording never waits. Port of `record.EventBroadcaster`.
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
 * recorder.event(pod, 'Warning', 'Unhealthy', 'The probe failed');
 * await events.flush(1_000); // prints create Unhealthy The probe failed
 * recorder.event(pod, 'Warning', 'Unhealthy', 'The probe failed');
 * const { delivered } = await events.shutdown(); // prints patch Unhealthy 2
 * console.log(delivered, events.counts.recorded); // prints 1 2
 * ```
 */
export class EventBroadcaster extends EventPipeline<CoreV1Event, EventPatch> {
  readonly #options: EventBroadcasterOptions;

  constructor(options: EventBroadcasterOptions = {}) {
    super(options, { concurrency: 16, clientGoDrainMs: 0, logFields });
    this.#options = options;
  }

  /** A recorder for one component. Any number may be made, at any time. */
  newRecorder(source: EventSource, options: RecorderOptions = {}): EventRecorder {
    return new BroadcastingRecorder(source, this.recordingOptions(options, !this.isClientGo));
  }

  /**
   * Passes one line for each event to `logf`, as client-go's `StartLogging` does.
   * @returns a watcher; its `stop()` ends the log
   */
  startLogging(logf: (message: string) => void): Watcher<CoreV1Event> {
    return this.startEventWatcher(event => logf(logLine(event)));
  }

  /** @internal */
  protected newDelivery(watcher: Watcher<CoreV1Event>, options: DeliveryOptions<CoreV1Event, EventPatch>): EventDelivery {
    const correlator = new EventCorrelator({ ...this.#options, now: this.now });
    if (this.isClientGo) return new ClientGoDelivery(watcher, correlator, options);
    const { sleepDurationMs, random, now } = options;
    const queue = new WriteQueue({
      ...options,
      policy: {
        shape: coreV1Shape,
        continues: (event, isQueued) => isQueued(correlator.eventKey(event)),
        correlate: event => correlator.eventCorrelate(event),
        updateState: (answer, key) => correlator.updateState(answer, key),
        // Differs from client-go, where a count that the spam filter holds back waits until the event happens again and there is a token.
        dueAt: event => (correlator.tryAccept(event) ? 0 : now() + correlator.msUntilAccepted(event)),
        retryDelayMs: tries => retryDelayMs(tries, sleepDurationMs, random),
        keepsUnwritten: () => false,
        maxHeld,
        flushesHeld: false,
      },
    });
    // It never rejects: accept does not throw.
    void watcher.forEach(({ object }) => queue.accept(object));
    return queue;
  }
}

/** client-go's `NewBroadcaster`; the same as `new EventBroadcaster(options)`. */
export function newBroadcaster(options: EventBroadcasterOptions = {}): EventBroadcaster {
  return new EventBroadcaster(options);
}

/** The options of `recordEvents`. */
export interface RecordEventsOptions extends Pick<EventBroadcasterOptions, 'kindOf' | 'logger' | 'signal'> {
  /** The name of the controller, as its events report it. */
  readonly component: string;
}

/** A recorder whose events are written to the API server. */
export interface EventRecording extends AsyncDisposable {
  readonly recorder: EventRecorder;
  readonly broadcaster: EventBroadcaster;
}

/**
 * Records core/v1 events with client-node's `CoreV1Api`. Shut `broadcaster` down at the end, or write `await using`.
 *
 * @example
 * ```ts
 * import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
 * import { recordEvents } from 'bitcoin-controller/record';
 *
 * const kubeConfig = new KubeConfig();
 * kubeConfig.loadFromDefault();
 * const { recorder, broadcaster } = recordEvents(kubeConfig.makeApiClient(CoreV1Api), { component: 'my-controller' });
 * recorder.event({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-0' }, 'Normal', 'Started', 'Started the pod');
 * console.log((await broadcaster.shutdown()).delivered); // prints 1
 * ```
 */
export function recordEvents(api: ClientNodeEventsApi, { component, ...options }: RecordEventsOptions): EventRecording {
  const broadcaster = new EventBroadcaster(options);
  broadcaster.startRecordingToSink(new CoreV1EventSink(api));
  return {
    broadcaster,
    recorder: broadcaster.newRecorder({ component }),
    [Symbol.asyncDispose]: () => broadcaster[Symbol.asyncDispose](),
  };
}
