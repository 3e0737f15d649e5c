// The caches of the controller: what it knows of the cluster.
import type { V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { managedBy, managedByLabel } from '../bitcoin/api/names.ts';
import { MultiNamespaceCache, type MultiNamespaceCacheOptions } from '../runtime/multi-namespace-cache.ts';
import { podCacheOptions } from './pod-cache.ts';
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
  readonly pods: V1Pod;
}

export type Caches = { readonly [R in keyof ResourceObjects]: MultiNamespaceCache<ResourceObjects[R]> };

/** What the reconciler and the watches use of the caches. */
export type ReadableCaches = {
  readonly [R in keyof ResourceObjects]: Pick<MultiNamespaceCache<ResourceObjects[R]>, 'get' | 'byIndex' | 'all' | 'changes'>;
};

export function createCaches(options: CacheOptions): Caches {
  const labelSelector = `${managedByLabel}=${managedBy}`;
  return {
    networks: new MultiNamespaceCache({ ...options, type: networks }),
    services: new MultiNamespaceCache({ ...options, type: services, labelSelector }),
    statefulSets: new MultiNamespaceCache({ ...options, type: statefulSets, labelSelector }),
    pods: new MultiNamespaceCache({ ...options, type: pods, labelSelector, ...podCacheOptions }),
  };
}

/** The members of a cache that do not depend on the type of its objects. */
type AnyCache = Pick<MultiNamespaceCache<never>, 'unsynced' | 'run' | 'whenSynced'>;

const everyCache = (caches: Caches): readonly AnyCache[] => Object.values<AnyCache>(caches);

/** Keeps all caches up to date until the signal aborts. */
export async function runCaches(caches: Caches, signal: AbortSignal): Promise<void> {
  await Promise.all(everyCache(caches).map(cache => cache.run(signal)));
}

/** Resolves when all caches have synced, or when the signal aborts. */
export async function untilSynced(caches: Caches, signal: AbortSignal): Promise<void> {
  try {
    await Promise.all(everyCache(caches).map(cache => cache.whenSynced(signal)));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Names at most five caches that have not synced; undefined if all have. Without a right they never do: the log names it. */
export function unsynced(caches: Caches): string | undefined {
  const missing = everyCache(caches).flatMap(cache => cache.unsynced);
  const shown = missing.slice(0, 5).join(', ');
  if (missing.length === 0) return undefined;
  return `not listed yet: ${shown}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}`;
}
