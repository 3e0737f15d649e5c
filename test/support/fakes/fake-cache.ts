// FakeCache: a cache that has the objects that a test puts there, and changes when the test says so.
import type { V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import { Subject } from 'rxjs';
import type { BitcoinNetwork } from '../../../src/bitcoin/api/bitcoin-network.ts';
import type { ReadableCaches } from '../../../src/controller/caches.ts';
import { keyOf, type KubeObject } from '../../../src/kube/resource.ts';
import type { Change } from '../../../src/runtime/informer.ts';

export class FakeCache<T extends KubeObject> {
  readonly changes = new Subject<Change<T>>();
  objects: readonly T[] = [];

  /** Adds the object, or replaces the one of its name; emits no change. */
  put(object: T): void {
    this.remove(keyOf(object));
    this.objects = [...this.objects, object];
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

  /** All objects: the tests put there only those that an index would find. */
  byIndex(): readonly T[] {
    return this.objects;
  }
}

export const fakeCaches = () =>
  ({
    networks: new FakeCache<BitcoinNetwork>(),
    services: new FakeCache<V1Service>(),
    statefulSets: new FakeCache<V1StatefulSet>(),
    pods: new FakeCache<V1Pod>(),
  }) satisfies ReadableCaches;
