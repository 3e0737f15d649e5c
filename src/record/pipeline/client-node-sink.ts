// ClientNodeSink: writes events with a consumer's own client-node.
import { strategicMergePatchOptions } from '../../kube/client-node-patch.ts';
import type { AnyEvent, EventMetadata, SinkOf } from './event-policy.ts';

/** What is needed of client-node's `CoreV1Api`, of any version from 1.0, or its `EventsV1Api`, from 1.4. */
export interface ClientNodeEventsApi {
  /** POST */
  createNamespacedEvent(request: { namespace: string; body: never }): Promise<unknown>;
  /** PATCH, with options that select the kind of patch */
  patchNamespacedEvent(request: { name: string; namespace: string; body: object }, options: never): Promise<unknown>;
}

/** What the sinks for client-node have in common. */
export abstract class ClientNodeSink<E extends AnyEvent, P extends object> implements SinkOf<E, P> {
  readonly #api: ClientNodeEventsApi;

  constructor(api: ClientNodeEventsApi) {
    this.#api = api;
  }

  /** @see SinkOf */
  async create(event: E): Promise<E> {
    const request = { namespace: namespaceOf(event, 'create'), body: this.bodyOf(event) as never };
    return this.#stored(await this.#api.createNamespacedEvent(request), event);
  }

  /** @see SinkOf */
  async patch(event: E, patch: P): Promise<E> {
    const request = { name: event.metadata.name, namespace: namespaceOf(event, 'patch'), body: patch };
    return this.#stored(await this.#api.patchNamespacedEvent(request, strategicMergePatchOptions() as never), event);
  }

  /** @internal The event to create. client-node's serializer takes times as Date only. */
  protected abstract bodyOf(event: E): object;

  /** @internal What later writes need of the answer, apart from its metadata */
  protected abstract fieldsOf(answer: unknown): Partial<E>;

  #stored(answer: unknown, sent: E): E {
    const { name, resourceVersion } = (answer as { metadata?: Partial<EventMetadata> }).metadata ?? {};
    const metadata = {
      ...sent.metadata,
      ...(name === undefined ? {} : { name }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    return { ...sent, ...this.fieldsOf(answer), metadata };
  }
}

function namespaceOf({ metadata }: AnyEvent, verb: string): string {
  if (metadata.namespace === '') throw new Error(`can't ${verb} an event with empty namespace`);
  return metadata.namespace;
}
