// The caches of this controller: which resources they hold, and how much of each object.
import type { V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { managedBy, managedByLabel, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import { CacheSet } from '../runtime/cache-set.ts';
import { MultiNamespaceCache, type MultiNamespaceCacheOptions } from '../runtime/multi-namespace-cache.ts';
import { networks, pods, services, statefulSets } from './resource-types.ts';

/** What is the same for every cache. */
export type CacheOptions = Pick<
  MultiNamespaceCacheOptions<never>,
  'client' | 'namespaces' | 'logger' | 'metrics' | 'idleTimeoutMs'
>;

export interface Caches {
  readonly networks: MultiNamespaceCache<BitcoinNetwork>;
  readonly services: MultiNamespaceCache<V1Service>;
  readonly statefulSets: MultiNamespaceCache<V1StatefulSet>;
  readonly pods: MultiNamespaceCache<V1Pod>;
  /** All of them together. */
  readonly all: CacheSet;
}

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

const setOf = (pod: V1Pod): string => statefulSetOfPod(keyOf(pod));

export function createCaches(options: CacheOptions): Caches {
  const labelSelector = `${managedByLabel}=${managedBy}`;
  const caches = {
    networks: new MultiNamespaceCache({ ...options, type: networks }),
    services: new MultiNamespaceCache({ ...options, type: services, labelSelector }),
    statefulSets: new MultiNamespaceCache({ ...options, type: statefulSets, labelSelector }),
    pods: new MultiNamespaceCache({
      ...{ ...options, type: pods, labelSelector },
      transform: podEssentials,
      indexers: { [podsOfSet]: (pod: V1Pod) => [setOf(pod)] },
    }),
  };
  return { ...caches, all: new CacheSet(Object.values(caches)) };
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
