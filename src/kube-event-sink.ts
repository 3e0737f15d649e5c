// KubeClientEventSink: writes events with this project's own Kubernetes client. Before it: record/event-writer.ts. After it: kube-client.ts.
import type { KubeClient, ResourceType } from './kube-client.ts';
import { wireEvent, type CoreV1Event, type EventPatch } from './record/core-event.ts';
import type { EventSink } from './record/event-sink.ts';

const events: ResourceType<CoreV1Event & { metadata: object }> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

export class KubeClientEventSink implements EventSink {
  readonly #client: Pick<KubeClient, 'create' | 'patch'>;

  constructor(client: Pick<KubeClient, 'create' | 'patch'>) {
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
