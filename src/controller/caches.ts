// The caches of the controller: what it knows of the cluster.
import type { BitcoinExperiment } from '../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { managedBy, managedByLabel } from '../bitcoin/api/names.ts';
import { controllerOf, type KubeObject } from '../kube/resource.ts';
import { CacheSet, type SyncState } from '../runtime/cache-set.ts';
import { MultiNamespaceCache, type MultiNamespaceCacheOptions } from '../runtime/multi-namespace-cache.ts';
import {
  childKindNames,
  childKinds,
  type ChildKindName,
  type ChildOf,
  optionalKinds,
  type OptionalKind,
  type WithoutKind,
} from './child-kinds.ts';
import { definedOnly } from '../collections/defined-only.ts';
import { experimentIndexers, keepExperiment } from './experiments/kept-experiment.ts';
import { keepNetwork } from './kept-fields.ts';
import { type ObservedPod, podCacheOptions } from './pod-cache.ts';
import { experiments as experimentType, networks, pods } from './resource-types.ts';

/** The options that all caches have in common. */
export type CacheOptions = Pick<
  MultiNamespaceCacheOptions<never>,
  'client' | 'namespaces' | 'logger' | 'metrics' | 'idleTimeoutMs'
>;

/** The kinds that the controller has no right to read are missing. */
type OfChildren<C extends { [K in ChildKindName]: unknown }> = { readonly [K in OptionalKind]?: C[K] } & {
  readonly [K in Exclude<ChildKindName, OptionalKind>]: C[K];
};

export type Caches = {
  readonly networks: MultiNamespaceCache<BitcoinNetwork>;
  readonly pods: MultiNamespaceCache<ObservedPod>;
  readonly experiments?: MultiNamespaceCache<BitcoinExperiment>;
  /** The caches together: which namespaces have synced. */
  readonly all: CacheSet;
} & OfChildren<{ [K in ChildKindName]: MultiNamespaceCache<ChildOf<K>> }>;

/** What is read of a cache. */
export type ReadableCache<T extends KubeObject> = Pick<MultiNamespaceCache<T>, 'get' | 'byIndex' | 'all' | 'changes'>;

/** A cache of experiments, of which it is known whether it has listed them. Default: it has. */
export type ExperimentCache = ReadableCache<BitcoinExperiment> & {
  informer?(namespace: string): Pick<SyncState, 'hasSynced' | 'failure'> | undefined;
};

/** What the reconciler and the watches use of the caches. */
export type ReadableCaches = {
  readonly networks: ReadableCache<BitcoinNetwork>;
  readonly pods: ReadableCache<ObservedPod>;
  /** Undefined without the right to experiments. */
  readonly experiments?: ExperimentCache;
} & OfChildren<{ [K in ChildKindName]: ReadableCache<ChildOf<K>> }>;

/** The index of children by the uid of their controlling owner. */
const childrenOfOwner = 'childrenOfOwner';

/** Indexes each cache of children as `ownedBy` reads it. */
export const childIndexers = {
  [childrenOfOwner]: (object: KubeObject): readonly string[] => [controllerOf(object)?.uid ?? ''],
};

/** The caches of children that there are, by name. */
export const childCaches = (caches: ReadableCaches): [ChildKindName, ReadableCache<KubeObject>][] =>
  childKindNames.flatMap(name => {
    // Each kind's cache is read as one of any object.
    const cache = caches[name] as unknown as ReadableCache<KubeObject> | undefined;
    return cache === undefined ? [] : [[name, cache]];
  });

/** The objects of a kind that a network owns. */
export const ownedBy = <T extends KubeObject>(cache: ReadableCache<T>, { metadata }: BitcoinNetwork): readonly T[] =>
  cache.byIndex(metadata.namespace, childrenOfOwner, metadata.uid);

/** @param without the kinds that the controller has no right to read */
export function createCaches(options: CacheOptions, without: readonly WithoutKind[] = []): Caches {
  const labelSelector = `${managedByLabel}=${managedBy}`;
  const cacheOf = (name: ChildKindName) => {
    const { type, keep } = childKinds[name];
    const transform = keep;
    return new MultiNamespaceCache<KubeObject>({ ...options, type, labelSelector, indexers: childIndexers, transform });
  };
  const children = childKindNames.filter(name => !isIn(without, name)).map(name => [name, cacheOf(name)] as const);
  const cachesIf = (isOptional: boolean) =>
    children.filter(([name]) => isIn(optionalKinds, name) === isOptional).map(([, cache]) => cache);
  const caches = {
    networks: new MultiNamespaceCache({ ...options, type: networks, transform: keepNetwork }),
    pods: new MultiNamespaceCache({ ...options, type: pods, labelSelector, ...podCacheOptions }),
  };
  const experiments = isIn(without, 'bitcoinExperiments')
    ? undefined
    : new MultiNamespaceCache({ ...options, type: experimentType, indexers: experimentIndexers, transform: keepExperiment });
  const optional = [...cachesIf(true), ...(experiments === undefined ? [] : [experiments])];
  const all = new CacheSet([...Object.values(caches), ...cachesIf(false)], optional);
  return { ...caches, ...definedOnly({ experiments }), ...Object.fromEntries(children), all } as unknown as Caches;
}

const isIn = (names: readonly (ChildKindName | WithoutKind)[], name: ChildKindName | WithoutKind): boolean =>
  names.includes(name);
