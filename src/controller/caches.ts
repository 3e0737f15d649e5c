// The caches of the controller: what it knows of the cluster.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { managedBy, managedByLabel } from '../bitcoin/api/names.ts';
import { CacheSet } from '../runtime/cache-set.ts';
import { MultiNamespaceCache, type MultiNamespaceCacheOptions } from '../runtime/multi-namespace-cache.ts';
import { keepNetwork, keepService, keepStatefulSet } from './kept-fields.ts';
import { type ObservedPod, podCacheOptions } from './pod-cache.ts';
import { networks, pods, services, statefulSets } from './resource-types.ts';

/** The options that all caches have in common. */
export type CacheOptions = Pick<
  MultiNamespaceCacheOptions<never>,
  'client' | 'namespaces' | 'logger' | 'metrics' | 'idleTimeoutMs'
>;

interface ResourceObjects {
  readonly networks: BitcoinNetwork;
  readonly services: V1Service;
  readonly statefulSets: V1StatefulSet;
  readonly pods: ObservedPod;
}

export type Caches = { readonly [R in keyof ResourceObjects]: MultiNamespaceCache<ResourceObjects[R]> } & {
  /** The four caches together: which namespaces have synced. */
  readonly all: CacheSet;
};

/** What the reconciler and the watches use of the caches. */
export type ReadableCaches = {
  readonly [R in keyof ResourceObjects]: Pick<MultiNamespaceCache<ResourceObjects[R]>, 'get' | 'byIndex' | 'all' | 'changes'>;
};

export function createCaches(options: CacheOptions): Caches {
  const labelSelector = `${managedByLabel}=${managedBy}`;
  const caches = {
    networks: new MultiNamespaceCache({ ...options, type: networks, transform: keepNetwork }),
    services: new MultiNamespaceCache({ ...options, type: services, labelSelector, transform: keepService }),
    statefulSets: new MultiNamespaceCache({ ...options, type: statefulSets, labelSelector, transform: keepStatefulSet }),
    pods: new MultiNamespaceCache({ ...options, type: pods, labelSelector, ...podCacheOptions }),
  };
  return { ...caches, all: new CacheSet(Object.values(caches)) };
}
