// KubeClientEventSink, KubeClientEventsV1Sink: write events of either API with this project's own Kubernetes client.
import type { KubeClient, ResourceType } from '../kube/client.ts';
import { wireEvent, type CoreV1Event, type EventPatch } from '../record/core/core-event.ts';
import type { EventSink } from '../record/core/core-v1-sink.ts';
import type { EventsV1Event, SeriesPatch } from '../record/events/event.ts';
import type { EventsV1Sink } from '../record/events/sink.ts';

const events: ResourceType<CoreV1Event & { metadata: object }> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};
const eventsV1: ResourceType<EventsV1Event & { metadata: object }> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

type EventClient = Pick<KubeClient, 'create' | 'patch'>;

export class KubeClientEventSink implements EventSink {
  readonly #client: EventClient;

  constructor(client: EventClient) {
    this.#client = client;
  }

  create(event: CoreV1Event, signal?: AbortSignal): Promise<CoreV1Event> {
    return this.#client.create(events, wireEvent(event), { signal });
  }

  patch(event: CoreV1Event, patch: EventPatch, signal?: AbortSignal): Promise<CoreV1Event> {
    const { name, namespace } = event.metadata;
    return this.#client.patch(events, { name, namespace }, patch, { patchType: 'strategic', signal });
  }
}

export class KubeClientEventsV1Sink implements EventsV1Sink {
  readonly #client: EventClient;

  constructor(client: EventClient) {
    this.#client = client;
  }

  create(event: EventsV1Event, signal?: AbortSignal): Promise<EventsV1Event> {
    return this.#client.create(eventsV1, event, { signal });
  }

  patch(event: EventsV1Event, patch: SeriesPatch, signal?: AbortSignal): Promise<EventsV1Event> {
    const { name, namespace } = event.metadata;
    return this.#client.patch(eventsV1, { name, namespace }, patch, { patchType: 'strategic', signal });
  }
}
