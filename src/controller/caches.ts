// What the controller knows of the cluster: one informer a resource and namespace, read as one. Before it: main.ts. After it:
// informer.ts; controller.ts listens to `changes`, reconcile.ts reads.
import type { V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import { merge, type Observable } from 'rxjs';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { managedBy, managedByLabel, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf, type KubeObject, type ResourceType } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import type { Metrics } from '../metrics/prometheus.ts';
import { type Change, Informer, type InformerOptions } from '../runtime/informer.ts';
import { networks, pods, services, statefulSets } from './resource-types.ts';

export interface CacheOptions {
  readonly client: KubeClient;
  /** The namespaces to watch; all of the cluster if empty. */
  readonly namespaces: readonly string[];
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** See InformerOptions. */
  readonly idleTimeoutMs?: number | undefined;
}

/** The objects of one resource in the watched namespaces. */
export class Cache<T extends KubeObject> {
  readonly changes: Observable<Change<T>>;
  readonly #byNamespace: ReadonlyMap<string, Informer<T>>;

  constructor(
    type: ResourceType<T>,
    options: CacheOptions,
    details: Pick<InformerOptions<T>, 'labelSelector' | 'transform' | 'indexers'> = {},
  ) {
    const { client, logger, metrics, idleTimeoutMs } = options;
    const namespaces = options.namespaces.length === 0 ? [''] : options.namespaces;
    const informerFor = (namespace: string) =>
      new Informer<T>({ client, type, logger, metrics, idleTimeoutMs, ...(namespace === '' ? {} : { namespace }), ...details });
    this.#byNamespace = new Map(namespaces.map(namespace => [namespace, informerFor(namespace)]));
    this.changes = merge(...[...this.#byNamespace.values()].map(informer => informer.changes));
  }

  get(key: string): T | undefined {
    return this.#informer(key.slice(0, key.indexOf('/')))?.get(key);
  }

  /** Those of a namespace for which the index has the value. */
  byIndex(namespace: string, index: string, value: string): readonly T[] {
    return this.#informer(namespace)?.byIndex(index, value) ?? [];
  }

  /** All of all watched namespaces. */
  all(): readonly T[] {
    return [...this.#byNamespace.values()].flatMap(informer => informer.list());
  }

  /** What has yet to be listed for the first time, such as "pods in default"; none = the cache has synced. */
  get unsynced(): readonly string[] {
    return [...this.#byNamespace.values()].filter(({ hasSynced }) => !hasSynced).map(({ subject }) => subject);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#byNamespace.values()].map(informer => informer.run(signal)));
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#byNamespace.values()].map(informer => informer.whenSynced(signal)));
  }

  #informer(namespace: string): Informer<T> | undefined {
    return this.#byNamespace.get('') ?? this.#byNamespace.get(namespace);
  }
}

export interface Caches {
  readonly networks: Cache<BitcoinNetwork>;
  readonly services: Cache<V1Service>;
  readonly statefulSets: Cache<V1StatefulSet>;
  readonly pods: Cache<V1Pod>;
}

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

const setOf = (pod: V1Pod): string => statefulSetOfPod(keyOf(pod));

export function createCaches(options: CacheOptions): Caches {
  const labelSelector = `${managedByLabel}=${managedBy}`;
  return {
    networks: new Cache(networks, options),
    services: new Cache(services, options, { labelSelector }),
    statefulSets: new Cache(statefulSets, options, { labelSelector }),
    pods: new Cache(pods, options, { labelSelector, transform: podEssentials, indexers: { [podsOfSet]: pod => [setOf(pod)] } }),
  };
}

/** What anybody here reads of a pod: a tenth of it, which counts when there are thousands. */
function podEssentials({ apiVersion, kind, metadata = {}, status }: V1Pod): V1Pod {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp } = metadata;
  const conditions = status?.conditions
    ?.filter(({ type }) => type === 'Ready')
    .map(({ type, status: value }) => ({ type, status: value }));
  const kept: V1Pod = {
    metadata: definedOnly({ name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp }),
    status: definedOnly({ podIP: status?.podIP, conditions }),
  };
  return { ...definedOnly({ apiVersion, kind }), ...kept };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const definedOnly = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

/** The pods of a network, and no others: there may be thousands. */
export function podsOf({ pods: cache }: Caches, network: BitcoinNetwork): readonly V1Pod[] {
  const { namespace } = network.metadata;
  return cache.byIndex(namespace, podsOfSet, `${namespace}/${statefulSetName(network)}`);
}
