// FakeCache: a cache that has the objects that a test puts there, and changes when the test says so.
import type { V1Pod, V1Service, V1StatefulSet } from '@kubernetes/client-node';
import { Subject } from 'rxjs';
import type { BitcoinNetwork } from '../../../src/bitcoin/api/bitcoin-network.ts';
import type { ReadableCaches } from '../../../src/controller/caches.ts';
import { keyOf, type KubeObject } from '../../../src/kube/resource.ts';
import type { Change } from '../../../src/runtime/object-store.ts';

export class FakeCache<T extends KubeObject> {
  readonly changes = new Subject<Change<T>>();
  objects: readonly T[] = [];

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

  /** As the index of pods by StatefulSet: the objects whose names begin with the value. */
  byIndex(_namespace: string, _index: string, value: string): readonly T[] {
    return this.objects.filter(object => keyOf(object).startsWith(`${value}-`));
  }
}

export const fakeCaches = () =>
  ({
    networks: new FakeCache<BitcoinNetwork>(),
    services: new FakeCache<V1Service>(),
    statefulSets: new FakeCache<V1StatefulSet>(),
    pods: new FakeCache<V1Pod>(),
  }) satisfies ReadableCaches;
