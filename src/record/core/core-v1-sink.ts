// EventSink: where core/v1 events are written.
//   Port of client-go v0.37.2 tools/record (EventSink) and kubernetes/typed/core/v1 (EventSinkImpl).
import { strategicMergePatchOptions } from '../pipeline/client-node-patch.ts';
import type { CoreV1Event, EventPatch } from './core-event.ts';
import { wireEvent } from './core-event.ts';
import type { SinkOf } from '../pipeline/event-policy.ts';

/** Writes events. Calls for different events may run at once; for one event one call follows another. */
export interface EventSink extends SinkOf<CoreV1Event, EventPatch> {
  /** Never called; for those who write a sink by client-go's interface. */
  update?(event: CoreV1Event, signal?: AbortSignal): Promise<CoreV1Event>;
}

/** What is needed of client-node's `CoreV1Api`, of any version from 1.0. */
export interface CoreV1EventsApi {
  /** POST */
  createNamespacedEvent(request: { namespace: string; body: never }): Promise<unknown>;
  /** PATCH, with options that select the kind of patch */
  patchNamespacedEvent(request: { name: string; namespace: string; body: object }, options: never): Promise<unknown>;
}

/**
 * Writes to the API server with client-node's `CoreV1Api`: a new event with a POST, a repetition as a strategic merge patch. The service
 * account needs the verbs `create` and `patch` on `events` of the group `''`. Throws what client-node throws.
 *
 * @example
 * ```ts
 * import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
 * import { CoreV1EventSink, EventBroadcaster } from 'bitcoin-controller/record';
 *
 * const kubeConfig = new KubeConfig();
 * kubeConfig.loadFromDefault();
 * await using events = new EventBroadcaster();
 * events.startRecordingToSink(new CoreV1EventSink(kubeConfig.makeApiClient(CoreV1Api)));
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * recorder.event({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-0' }, 'Normal', 'Started', 'it has started');
 * const { delivered, notDelivered } = await events.shutdown();
 * console.log(delivered, notDelivered); // prints 1 0
 * ```
 */
export class CoreV1EventSink implements EventSink {
  readonly #api: CoreV1EventsApi;

  constructor(api: CoreV1EventsApi) {
    this.#api = api;
  }

  /** @see EventSink */
  async create(event: CoreV1Event): Promise<CoreV1Event> {
    const { firstTimestamp, lastTimestamp, ...rest } = wireEvent(event);
    // client-node's serializer takes times as Date only.
    const body = { ...rest, firstTimestamp: new Date(firstTimestamp), lastTimestamp: new Date(lastTimestamp) };
    return plainEvent(await this.#api.createNamespacedEvent({ namespace: event.metadata.namespace, body: body as never }), event);
  }

  /** @see EventSink */
  async patch(event: CoreV1Event, patch: EventPatch): Promise<CoreV1Event> {
    const { name, namespace } = event.metadata;
    return plainEvent(
      await this.#api.patchNamespacedEvent({ name, namespace, body: patch }, strategicMergePatchOptions() as never),
      event,
    );
  }
}

/** Keeps of the answer only what correlation needs, with its `Date` back as a string. */
function plainEvent(answer: unknown, sent: CoreV1Event): CoreV1Event {
  const { metadata, count, firstTimestamp } = answer as {
    metadata?: { name?: string; resourceVersion?: string };
    count?: number;
    firstTimestamp?: Date | string;
  };
  return {
    ...sent,
    metadata: {
      ...sent.metadata,
      ...(metadata?.name === undefined ? {} : { name: metadata.name }),
      ...(metadata?.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    },
    count: count ?? sent.count,
    firstTimestamp: firstTimestamp instanceof Date ? firstTimestamp.toISOString() : (firstTimestamp ?? sent.firstTimestamp),
  };
}
