// FakeCache: a cache that has the objects that a test puts there, and changes when the test says so.
import type {
  V1ConfigMap,
  V1NetworkPolicy,
  V1Pod,
  V1PodDisruptionBudget,
  V1Service,
  V1StatefulSet,
} from '@kubernetes/client-node';
import { Subject } from 'rxjs';
import type { BitcoinExperiment } from '../../../src/bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { childIndexers, type ReadableCaches } from '../../../src/controller/caches.ts';
import { experimentIndexers } from '../../../src/controller/experiments/kept-experiment.ts';
import { podCacheOptions } from '../../../src/controller/pod-cache.ts';
import { keyOf, type KubeObject } from '../../../src/kube/resource.ts';
import type { Change, Indexers } from '../../../src/runtime/object-store.ts';

export class FakeCache<T extends KubeObject> {
  readonly changes = new Subject<Change<T>>();
  objects: readonly T[] = [];
  readonly #indexers: Indexers<T>;

  /** @param indexers as those of the informer */
  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
  }

  /** Adds the object, or replaces the one of its name; emits no change. */
  put(object: T): void {
    this.remove(keyOf(object));
    this.objects = [...this.objects, object];
  }

  /** Makes the change as an informer does: the cache has the object when the change is emitted. */
  emit(change: Change<KubeObject>): void {
    const typed = change as Change<T>;
    if (typed.type === 'deleted') this.remove(keyOf(typed.object));
    else this.put(typed.object);
    this.changes.next(typed);
  }

  remove(key: string): void {
    this.objects = this.objects.filter(object => keyOf(object) !== key);
  }

  all(): readonly T[] {
    return this.objects;
  }

  get(key: string): T | undefined {
    return this.objects.find(object => keyOf(object) === key);
  }

  byIndex(namespace: string, index: string, value: string): readonly T[] {
    return this.objects.filter(
      object => object.metadata?.namespace === namespace && this.#indexers[index]?.(object).includes(value) === true,
    );
  }
}

export const fakeCaches = () =>
  ({
    networks: new FakeCache<BitcoinNetwork>(),
    configMaps: new FakeCache<V1ConfigMap>(childIndexers),
    services: new FakeCache<V1Service>(childIndexers),
    networkPolicies: new FakeCache<V1NetworkPolicy>(childIndexers),
    podDisruptionBudgets: new FakeCache<V1PodDisruptionBudget>(childIndexers),
    statefulSets: new FakeCache<V1StatefulSet>(childIndexers),
    pods: new FakeCache<V1Pod>(podCacheOptions.indexers),
    experiments: new FakeCache<BitcoinExperiment>(experimentIndexers),
  }) satisfies ReadableCaches;
