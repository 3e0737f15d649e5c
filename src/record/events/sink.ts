// EventsV1Sink: where events.k8s.io/v1 events are written.
//   Port of client-go v0.37.2 tools/events (EventSink, EventSinkImpl).
import { strategicMergePatchOptions } from '../pipeline/client-node-patch.ts';
import type { SinkOf } from '../pipeline/event-policy.ts';
import type { EventsV1Event, SeriesPatch } from './event.ts';

/** Writes events. Calls for different events may run at once; for one event one call follows another. */
export type EventsV1Sink = SinkOf<EventsV1Event, SeriesPatch>;

/** What is needed of client-node's `EventsV1Api`, of any version from 1.4. */
export interface EventsV1Api {
  /** POST */
  createNamespacedEvent(request: { namespace: string; body: never }): Promise<unknown>;
  /** PATCH, with options that select the kind of patch */
  patchNamespacedEvent(request: { name: string; namespace: string; body: object }, options: never): Promise<unknown>;
}

/**
 * Writes to the API server with client-node's `EventsV1Api`.
 * @throws an Error, without a request, for an event without a namespace
 */
export class EventsV1ApiSink implements EventsV1Sink {
  readonly #api: EventsV1Api;

  constructor(api: EventsV1Api) {
    this.#api = api;
  }

  /** @see EventsV1Sink */
  async create(event: EventsV1Event): Promise<EventsV1Event> {
    const namespace = namespaceOf(event, 'create');
    const body = { apiVersion: 'events.k8s.io/v1', kind: 'Event', ...event, eventTime: new MicroDate(event.eventTime) };
    const { series } = event;
    const withSeries =
      series === undefined ? body : { ...body, series: { ...series, lastObservedTime: new MicroDate(series.lastObservedTime) } };
    return storedEvent(await this.#api.createNamespacedEvent({ namespace, body: withSeries as never }), event);
  }

  /** @see EventsV1Sink */
  async patch(event: EventsV1Event, patch: SeriesPatch): Promise<EventsV1Event> {
    const namespace = namespaceOf(event, 'patch');
    const request = { name: event.metadata.name, namespace, body: patch };
    return storedEvent(await this.#api.patchNamespacedEvent(request, strategicMergePatchOptions() as never), event);
  }
}

/** client-node's serializer takes times as Date only, and writes the result of `toISOString`. */
class MicroDate extends Date {
  override toISOString(): string {
    return super.toISOString().replace('Z', '000Z');
  }
}

function namespaceOf({ metadata }: EventsV1Event, verb: string): string {
  if (metadata.namespace === '') throw new Error(`can't ${verb} an event with empty namespace`);
  return metadata.namespace;
}

/** Keeps of the answer only what the next write needs. */
function storedEvent(answer: unknown, sent: EventsV1Event): EventsV1Event {
  const { metadata } = answer as { metadata?: { resourceVersion?: string } };
  const resourceVersion = metadata?.resourceVersion;
  return { ...sent, metadata: { ...sent.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}
