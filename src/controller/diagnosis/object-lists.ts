// ObjectLists: lists the Warning events about an object, or the pod of a name, at a limited rate. It fails only when its caller is stopped.
import type { V1Pod } from '@kubernetes/client-node';
import { isForbidden } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject, ResourceType } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { TokenBucket } from '../../time/token-bucket.ts';
import { pods } from '../resource-types.ts';
import type { ObjectEvent } from './event-causes.ts';

const events: ResourceType<KubeObject & ObjectEvent> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** The API server reads all Events of a namespace to find those about one object: with thousands of broken networks each has its turn later. */
const listsPerSecond = 5;
const listBurst = 20;
/** Until the next try of a list that had no turn. */
export const noTurnMs = 2_000;

export class ObjectLists {
  readonly #client: Pick<KubeClient, 'list'>;
  readonly #logger: Logger;
  readonly #turns = new TokenBucket({ qps: listsPerSecond, burst: listBurst });
  #isForbidden = false;

  constructor(client: Pick<KubeClient, 'list'>, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
  }

  /** Whether it is the caller's turn for a list. @param nowMs monotonic milliseconds */
  tryTurn(nowMs: number): boolean {
    return this.#turns.tryAccept(nowMs);
  }

  /** The Warnings about an object; undefined if they could not be listed. */
  warningsAbout({ metadata = {} }: KubeObject, signal?: AbortSignal): Promise<readonly ObjectEvent[] | undefined> {
    const { namespace = '', uid = '' } = metadata;
    return this.#list(events, namespace, `involvedObject.uid=${uid},type=Warning`, signal);
  }

  /** All Events about a pod. */
  eventsAbout({ metadata = {} }: V1Pod, signal?: AbortSignal): Promise<readonly ObjectEvent[] | undefined> {
    const { namespace = '', uid = '' } = metadata;
    return this.#list(events, namespace, `involvedObject.uid=${uid}`, signal);
  }

  /** The Warnings about a claim. Its uid is not known, since claims are not cached. */
  warningsAboutClaim(namespace: string, name: string, signal?: AbortSignal): Promise<readonly ObjectEvent[] | undefined> {
    const selector = `involvedObject.kind=PersistentVolumeClaim,involvedObject.name=${name},type=Warning`;
    return this.#list(events, namespace, selector, signal);
  }

  /** The pod of the name, with whatever labels: one or none. */
  podsNamed(namespace: string, name: string, signal?: AbortSignal): Promise<readonly V1Pod[] | undefined> {
    return this.#list(pods, namespace, `metadata.name=${name}`, signal);
  }

  /** @throws the reason of `signal` once it has aborted */
  async #list<T extends KubeObject>(
    type: ResourceType<T>,
    namespace: string,
    fieldSelector: string,
    signal: AbortSignal | undefined,
  ): Promise<readonly T[] | undefined> {
    try {
      const options = { namespace, fieldSelector, maxTries: 1, ...(signal === undefined ? {} : { signal }) };
      return (await this.#client.list(type, options)).items;
    } catch (error) {
      signal?.throwIfAborted();
      // The role is an older one's: logged once, since it stays so.
      if (isForbidden(error) && !this.#isForbidden)
        this.#logger.warn('Failed to list Events; the cause of missing pods is not reported', { error });
      this.#isForbidden ||= isForbidden(error);
      return undefined;
    }
  }
}
