// Adapters between the two APIs: a broadcaster of each, and recorders of either that write to the other.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go and tools/record/event.go (EventRecorderAdapter). client-go has no LegacyRecorder.
import type { Logger } from '../../logging/logger.ts';
import type { EventType } from '../core/core-event.ts';
import { CoreV1EventSink, type EventSink } from '../core/core-v1-sink.ts';
import { EventBroadcaster, type EventBroadcasterOptions } from '../core/event-broadcaster.ts';
import { BaseEventRecorder, type EventRecorder } from '../core/event-recorder.ts';
import type { ClientNodeEventsApi } from '../pipeline/client-node-sink.ts';
import type { ShutdownOptions, ShutdownResult } from '../pipeline/options.ts';
import type { RecordedCall } from '../pipeline/recording.ts';
import type { Referable } from '../pipeline/reference.ts';
import { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './broadcaster.ts';
import { BaseEventsV1Recorder, type EventsV1Recorder, type RecordedAction } from './recorder.ts';
import { EventsV1ApiSink, type EventsV1Sink } from './sink.ts';

/** The options of an `EventBroadcasterAdapter`. */
export interface EventBroadcasterAdapterOptions {
  /** Distinguishes instances of the controller: events are reported by `<name>-<hostName>`. */
  readonly hostName: string;
  readonly core?: EventBroadcasterOptions | undefined;
  readonly eventsV1?: EventsV1BroadcasterOptions | undefined;
}

/** What is needed of client-node to find out which API a cluster has. */
export interface EventApis {
  /** A CoreV1Api. */
  readonly coreV1: ClientNodeEventsApi;
  /** An EventsV1Api. Its `getAPIResources` rejects if the cluster does not have the API. */
  readonly eventsV1: ClientNodeEventsApi & {
    /** Asks for the resources of the API. */
    getAPIResources(): Promise<unknown>;
  };
}

/** Where events of either API are written. */
export interface EventSinks {
  readonly core: EventSink;
  /** Undefined if the cluster does not have events.k8s.io/v1. */
  readonly eventsV1: EventsV1Sink | undefined;
}

/** For the time in which a controller moves from core/v1 to events.k8s.io/v1. */
export class EventBroadcasterAdapter implements AsyncDisposable {
  readonly core: EventBroadcaster;
  /** There if the cluster has events.k8s.io/v1. */
  readonly eventsV1: EventsV1Broadcaster | undefined;
  readonly #hostName: string;
  readonly #sinks: EventSinks;

  constructor(sinks: EventSinks, { hostName, core, eventsV1 }: EventBroadcasterAdapterOptions) {
    this.#sinks = sinks;
    this.#hostName = hostName;
    this.core = new EventBroadcaster(core);
    this.eventsV1 = sinks.eventsV1 === undefined ? undefined : new EventsV1Broadcaster(eventsV1);
  }

  /** Starts both. */
  startRecordingToSink(): void {
    const { core, eventsV1 } = this.#sinks;
    if (eventsV1 !== undefined) this.eventsV1?.startRecordingToSink(eventsV1);
    this.core.startRecordingToSink(core);
  }

  /** Records in events.k8s.io/v1 if the cluster has it, else – without actions and related objects – in core/v1. */
  newRecorder(name: string): EventsV1Recorder {
    const reportingInstance = `${name}-${this.#hostName}`;
    return (
      this.eventsV1?.newRecorder({ reportingController: name, reportingInstance }) ??
      newEventRecorderAdapter(this.deprecatedNewLegacyRecorder(name))
    );
  }

  /** Records in core/v1, even if the cluster has events.k8s.io/v1. */
  deprecatedNewLegacyRecorder(name: string): EventRecorder {
    return this.core.newRecorder({ component: name });
  }

  /** Shuts both down, as their own `shutdown`; what became of the events of both is added up. */
  async shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    const [core, eventsV1] = await Promise.all([this.core.shutdown(options), this.eventsV1?.shutdown(options)]);
    if (eventsV1 === undefined) return core;
    const dropped = { ...core.dropped };
    for (const cause of Object.keys(dropped) as (keyof typeof dropped)[]) dropped[cause] += eventsV1.dropped[cause];
    const notDelivered = core.notDelivered + eventsV1.notDelivered;
    return { delivered: core.delivered + eventsV1.delivered, notDelivered, dropped };
  }

  /** As `shutdown`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** client-go's `NewEventBroadcasterAdapter`: looks up whether the cluster has events.k8s.io/v1; if the lookup fails, it uses core/v1. */
export async function newEventBroadcasterAdapter(
  apis: EventApis,
  options: EventBroadcasterAdapterOptions,
): Promise<EventBroadcasterAdapter> {
  const discovery = apis.eventsV1.getAPIResources();
  const eventsV1 = await discovery.then(() => new EventsV1ApiSink(apis.eventsV1)).catch(() => undefined);
  return new EventBroadcasterAdapter({ core: new CoreV1EventSink(apis.coreV1), eventsV1 }, options);
}

/** Records events of events.k8s.io/v1 in core/v1, which has neither actions nor related objects. */
export class EventRecorderAdapter extends BaseEventsV1Recorder {
  readonly #recorder: EventRecorder;

  constructor(recorder: EventRecorder) {
    super();
    this.#recorder = recorder;
  }

  withLogger(logger: Logger): EventsV1Recorder {
    return new EventRecorderAdapter(this.#recorder.withLogger(logger));
  }

  protected record({ object, annotations, type, reason, format, args }: RecordedAction): void {
    // The recorder reports it if there is no object.
    const regarding = object as Referable;
    if (annotations === undefined) this.#recorder.eventf(regarding, type as EventType, reason, format, ...args);
    else this.#recorder.annotatedEventf(regarding, annotations, type as EventType, reason, format, ...args);
  }
}

/** client-go's `record.NewEventRecorderAdapter`. */
export function newEventRecorderAdapter(recorder: EventRecorder): EventRecorderAdapter {
  return new EventRecorderAdapter(recorder);
}

/** The options of a `LegacyRecorder`. */
export interface LegacyRecorderOptions {
  /** The action of events with this reason: the API server requires one. Default: the reason. */
  readonly actionOf?: ((reason: string) => string) | undefined;
}

/**
 * Records core/v1 events in events.k8s.io/v1, for code that is written for an `EventRecorder`.
 *
 * @example
 * ```ts
 * import { FakeRecorder, LegacyRecorder } from 'bitcoin-controller/record/events';
 *
 * const events = new FakeRecorder({ verbose: true });
 * const recorder = new LegacyRecorder(events, { actionOf: reason => (reason === 'Scaled' ? 'Scaling' : reason) });
 * recorder.event({ apiVersion: 'v1', kind: 'Pod', name: 'web-0' }, 'Normal', 'Scaled', 'from 1 to 2');
 * console.log(events.events[0]); // prints Normal Scaled Scaling from 1 to 2 {kind=Pod,apiVersion=v1}
 * ```
 */
export class LegacyRecorder extends BaseEventRecorder {
  readonly #recorder: EventsV1Recorder;
  readonly #actionOf: (reason: string) => string;

  constructor(recorder: EventsV1Recorder, { actionOf = reason => reason }: LegacyRecorderOptions = {}) {
    super();
    this.#recorder = recorder;
    this.#actionOf = actionOf;
  }

  withLogger(logger: Logger): EventRecorder {
    return new LegacyRecorder(this.#recorder.withLogger(logger), { actionOf: this.#actionOf });
  }

  protected record({ object, annotations, type, reason, format, args }: RecordedCall): void {
    const action = this.#actionOf(reason);
    this.#recorder.annotatedEventf(object, undefined, annotations, type as EventType, reason, action, format, ...args);
  }
}
